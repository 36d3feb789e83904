/**
 * Calls over MCP on stdio: one server process, all calls on its one pair of pipes.
 *
 * S1. Every line of its stdout is JSON-RPC, or a finding.
 * S2. A cancelled call gets no answer. That none came is known when a ping sent behind the cancel has come back;
 *     one that comes later is a finding then.
 */
import { CallLog, shown } from './call-log.ts';
import { callParams, type McpMessage, ownerOf, readMcp } from './mcp-reader.ts';
import type { CallSpec, ChaosCall, Transport } from './transport.ts';

/** The pipes of a server process. */
export interface StdioPipes {
  write(line: string | Buffer): void;
  pause(): void;
  resume(): void;
  onLine: (line: string) => void;
  onGone: () => void;
}

/** Calls whose late frames are recognised. */
const REMEMBERED = 2000;

export class McpStdioCalls implements Transport {
  readonly name = 'mcp-stdio';
  readonly findings: string[] = [];
  readonly #calls = new Map<unknown, CallLog>();
  readonly #asked = new Map<unknown, (message: McpMessage) => void>();
  readonly #refused: ((message: McpMessage) => void)[] = [];
  #pipes: StdioPipes | undefined;
  #ids = 0;

  /** Speaks to this server from now on; calls of an earlier one are cut. */
  attach(pipes: StdioPipes): void {
    this.#cut();
    this.#pipes = pipes;
    pipes.onLine = (line) => this.#receive(line);
    pipes.onGone = () => this.#cut();
  }

  call(spec: CallSpec): ChaosCall {
    const { tool, nonce, args } = spec;
    const log = new CallLog(nonce, spec);
    this.#calls.set(nonce, log);
    if (this.#calls.size > REMEMBERED) {
      const [oldest] = this.#calls.keys();
      this.#calls.delete(oldest);
    }
    const params = callParams(tool, { ...args, nonce }, nonce, this.#ids++ % 2 === 0);
    this.send({ jsonrpc: '2.0', id: nonce, method: 'tools/call', params });
    const cancel = () => {
      log.noteCancelled();
      this.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: nonce } });
      this.ask('ping').then(
        () => log.close(),
        () => log.close(),
      );
    };
    return {
      log,
      cancel,
      leave: () => {
        log.noteLeft();
        cancel();
      },
      pause: () => this.#pipes?.pause(),
      resume: () => this.#pipes?.resume(),
    };
  }

  send(message: object | string | Buffer): void {
    this.#pipes?.write(
      typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message),
    );
  }

  ask(method: string, params: object = {}, id: unknown = `ask-${++this.#ids}`): Promise<McpMessage> {
    return new Promise((resolve) => {
      this.#asked.set(id, resolve);
      this.send({ jsonrpc: '2.0', id, method, params });
    });
  }

  /** The next error without an id, which is the answer to a line that is no request. */
  refusal(): Promise<McpMessage> {
    return new Promise((resolve) => this.#refused.push(resolve));
  }

  async initialize(): Promise<void> {
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'chaos', version: '1' },
    };
    await this.ask('initialize', params);
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  async close(): Promise<void> {
    this.#cut();
  }

  #receive(line: string): void {
    let message: McpMessage;
    try {
      message = JSON.parse(line) as McpMessage;
    } catch {
      this.findings.push(`a line that is no JSON: ${shown(line)}`);
      return;
    }
    const owner = ownerOf(message);
    const log = this.#calls.get(owner);
    if (log) {
      readMcp(log, message);
      if (message.method === undefined) log.close();
      return;
    }
    const asked = this.#asked.get(owner);
    if (asked && message.method === undefined) {
      this.#asked.delete(owner);
      asked(message);
    } else if (message.id === null && message.error) {
      const refused = this.#refused.shift();
      if (refused) refused(message);
      else this.findings.push(`an error for nobody: ${shown(line)}`);
    } else if (message.method !== 'notifications/message') this.findings.push(`for nobody: ${shown(line)}`);
  }

  #cut(): void {
    for (const log of this.#calls.values()) log.close();
    this.#calls.clear();
    const gone: McpMessage = { error: { code: 0, message: 'the server is gone' } };
    for (const resolve of this.#asked.values()) resolve(gone);
    this.#asked.clear();
    for (const resolve of this.#refused.splice(0)) resolve(gone);
  }
}
