/** A small MCP client over Streamable HTTP, with a session, that notes every message. */
import { Emitter } from './emitter.ts';
import { failureOf, GatewayError, gateway, type Json, linesOf } from './gateway.ts';

export interface Message {
  readonly at: number;
  readonly way: 'out' | 'in';
  readonly body: { readonly [name: string]: unknown };
}

const MOST_MESSAGES = 500;
const VERSION = '2025-11-25';

export class McpClient extends Emitter {
  messages: readonly Message[] = [];
  dropped = 0;
  #session: string | null = null;
  #nextId = 1;

  get isOpen(): boolean {
    return this.#session !== null;
  }

  async open(): Promise<void> {
    await this.ask('initialize', {
      protocolVersion: VERSION,
      capabilities: {},
      clientInfo: { name: 'gateway-console', version: gateway.version || '0' },
    });
    await this.#send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  /** @throws {GatewayError} for an error of JSON-RPC, or of HTTP. */
  async ask(method: string, params: object = {}): Promise<Record<string, Json>> {
    const id = this.#nextId++;
    const answer = await this.#send({ jsonrpc: '2.0', id, method, params }, id);
    if (!answer) throw new Error(`there was no answer to ${method}`);
    const error = answer['error'] as { code: number; message: string } | undefined;
    if (error) throw new GatewayError({ code: String(error.code), message: error.message });
    return answer['result'] as Record<string, Json>;
  }

  close(): void {
    if (this.#session === null) return;
    const headers = { 'Mcp-Session-Id': this.#session };
    this.#session = null;
    gateway.request('mcp', { method: 'DELETE', headers, keepalive: true }).catch(() => undefined);
  }

  clear(): void {
    this.messages = [];
    this.dropped = 0;
    this.changed();
  }

  async #send(body: Message['body'], id?: number): Promise<Message['body'] | undefined> {
    this.#note('out', body);
    const session =
      this.#session === null ? {} : { 'Mcp-Session-Id': this.#session, 'MCP-Protocol-Version': VERSION };
    const response = await gateway.request('mcp', {
      method: 'POST',
      headers: { Accept: 'application/json, text/event-stream', ...session },
      body: JSON.stringify(body),
    });
    this.#session = response.headers.get('Mcp-Session-Id') ?? this.#session;
    if (id === undefined || !response.body) return undefined;
    if (response.headers.get('Content-Type')?.startsWith('application/json')) {
      const answer = await response.json();
      this.#note('in', answer);
      return answer;
    }
    for await (const line of linesOf(response.body)) {
      if (!line.startsWith('data:') || line.length < 8) continue;
      const message = JSON.parse(line.slice(5));
      this.#note('in', message);
      if (message.id === id && message.method === undefined) return message;
    }
    return undefined;
  }

  #note(way: Message['way'], body: Message['body']): void {
    const all = [...this.messages, { at: Date.now(), way, body }];
    this.dropped += Math.max(0, all.length - MOST_MESSAGES);
    this.messages = all.slice(-MOST_MESSAGES);
    this.changed();
  }
}

export const mcp = new McpClient();
export const reasonOf = (thrown: unknown): string => failureOf(thrown).message;
addEventListener('pagehide', () => mcp.close());
