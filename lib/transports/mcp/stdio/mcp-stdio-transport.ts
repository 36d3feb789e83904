/** Serves one MCP client on a pair of streams for as long as it lives. */
import type { ConnectContext, Transport } from '../../transport.ts';
import { serviceOptions } from '../service-options.ts';
import { serveMcpStdio } from './stdio-connection.ts';

export class McpStdioTransport implements Transport<ConnectContext> {
  readonly name: string;
  closed: Promise<void> | undefined;
  readonly #closing = new AbortController();

  constructor(name: string) {
    this.name = name;
  }

  open(context: ConnectContext): void {
    const { stdin, stdout, limits } = context;
    this.closed = serveMcpStdio({
      ...serviceOptions(this.name, context),
      stdin,
      stdout,
      maxLineBytes: limits.maxBodyBytes,
      signal: this.#closing.signal,
    });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.closed;
  }
}
