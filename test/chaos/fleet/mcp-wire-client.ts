/**
 * A client of MCP with a session, as it should be: its stream broken, it comes back with the id of the last event, at any
 * gateway. A request whose stream never began is not made again: there is no key that would make it the same one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { ObservedCall } from './observed-call.ts';

export interface McpCallOptions {
  readonly gateways: readonly string[];
  readonly key: string;
  readonly random: Random;
  readonly call: ObservedCall;
  readonly tool: string;
  readonly args: object;
  healedMs(): number;
}

interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: {
    readonly data?: unknown;
    readonly _meta?: Record<string, { readonly index: number; readonly items: readonly unknown[] }>;
  };
  readonly result?: {
    readonly isError?: boolean;
    readonly _meta?: Record<string, { readonly code: string }>;
  };
  readonly error?: { readonly data?: { readonly code?: string }; readonly message: string };
}

const VERSION = '2025-11-25';
const OWN = 'io.github.mcp-streaming-gateway/';
const SILENCE_MS = 14_000; // a heartbeat comes every twelve seconds
const PAUSE_MS = 150;
const HEALED_LIFE_MS = 90_000;
const REFUSALS: ReadonlySet<number> = new Set([408, 429, 503]);

export class McpWireClient {
  readonly #options: McpCallOptions;
  #session = '';
  #isReady = false;
  #lastEventId = '';
  #current: AbortController | undefined;
  #requests = 0;

  constructor(options: McpCallOptions) {
    this.#options = options;
  }

  /** Makes the call and follows it to its end. */
  async run(): Promise<void> {
    const { call, healedMs, tool, args } = this.#options;
    while (!this.#isReady && healedMs() === 0) {
      await this.#initialize().catch((error: unknown) => call.note(`initialize: ${error}`));
      if (!this.#isReady) await sleep(PAUSE_MS);
    }
    if (!this.#isReady) return;
    const params = { name: tool, arguments: args, _meta: { progressToken: 1 } };
    await this.#read(() => this.#post({ jsonrpc: '2.0', id: 'call', method: 'tools/call', params }));
    while (!call.isClosed && this.#lastEventId !== '' && healedMs() < HEALED_LIFE_MS) {
      await sleep(PAUSE_MS * (0.5 + this.#options.random.next()));
      const headers = { Accept: 'text/event-stream', 'Last-Event-ID': this.#lastEventId };
      await this.#read(() => this.#fetch('GET', headers));
    }
  }

  /** The connection ends, and nobody says so. */
  drop(): void {
    this.#current?.abort();
  }

  /** It has no other reader that might take it over. */
  steal(): void {}

  async cancel(): Promise<void> {
    if (this.#options.call.callId === null) return; // there is nothing yet
    const params = { requestId: 'call' };
    await this.#post({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
      .then((response) => response.arrayBuffer())
      .catch(() => undefined);
    if (this.#options.call.isClosed) return; // its answer has come meanwhile
    // Whoever cancels gets no answer, and waits for none.
    this.#options.call.note('cancelled');
    this.#options.call.answered('cancelled', []);
    this.drop();
  }

  leave(): void {
    this.drop();
  }

  async #initialize(): Promise<void> {
    this.#session = '';
    const clientInfo = { name: 'chaos', version: '1' };
    const params = { protocolVersion: VERSION, capabilities: {}, clientInfo };
    const response = await this.#post({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
    await response.arrayBuffer();
    if (response.status !== 200) return;
    this.#session = response.headers.get('mcp-session-id') ?? '';
    await (await this.#post({ jsonrpc: '2.0', method: 'notifications/initialized' })).arrayBuffer();
    // That a run begins anew is told as a warning.
    const setLevel = { jsonrpc: '2.0', id: 1, method: 'logging/setLevel', params: { level: 'warning' } };
    const leveled = await this.#post(setLevel);
    this.#isReady = (await leveled.text()).includes('"result"');
  }

  #post(message: object): Promise<Response> {
    const accept = 'application/json, text/event-stream';
    return this.#fetch('POST', { Accept: accept, 'Content-Type': 'application/json' }, message);
  }

  #fetch(method: string, headers: Record<string, string>, message?: object): Promise<Response> {
    const { gateways, key, random, call } = this.#options;
    const abort = new AbortController();
    if (method === 'GET' || (message && 'method' in message && message.method === 'tools/call'))
      this.#current = abort;
    const own: Record<string, string> = { 'X-API-Key': key, 'MCP-Protocol-Version': VERSION };
    if (this.#session !== '') own['Mcp-Session-Id'] = this.#session;
    const gateway = random.pick(gateways);
    call.note(`${method} ${gateway.slice(7)} ${headers['Last-Event-ID'] ?? ''}`);
    return fetch(`${gateway}/mcp`, {
      method,
      headers: { ...headers, ...own },
      signal: AbortSignal.any([abort.signal, AbortSignal.timeout(60_000)]),
      ...(message ? { body: JSON.stringify(message) } : {}),
    });
  }

  /** Reads one response of the request. */
  async #read(open: () => Promise<Response>): Promise<void> {
    const { call } = this.#options;
    let heardAt = performance.now();
    const watch = setInterval(() => {
      if (performance.now() - heardAt > SILENCE_MS) this.drop();
    }, 500);
    const requests = ++this.#requests;
    try {
      const response = await open();
      call.note(`${response.status}`);
      call.connections++;
      call.callId ??= response.headers.get('x-call-id');
      if (response.headers.get('content-type') !== 'text/event-stream')
        return this.#document(response.status, await response.text());
      let rest = '';
      for await (const text of (response.body as ReadableStream<Uint8Array>).pipeThrough(
        new TextDecoderStream() as never,
      ) as unknown as AsyncIterable<string>) {
        heardAt = performance.now();
        const blocks = (rest + text).split('\n\n');
        rest = blocks.pop() ?? '';
        for (const block of blocks) if (requests === this.#requests && !call.isClosed) this.#take(block);
      }
      call.note('over');
    } catch (error) {
      call.note(`cut off: ${error}`);
    } finally {
      clearInterval(watch);
    }
  }

  #take(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]),
    );
    const id = fields.get('id');
    const data = fields.get('data') ?? '';
    if (data.trim() !== '') this.#told(JSON.parse(data) as Message);
    if (id !== undefined) this.#lastEventId = id;
  }

  #told({ id, method, params, result, error }: Message): void {
    const { call } = this.#options;
    if (id === 'call') {
      if (error && error.data?.code === undefined)
        call.violate('end', `an answer that names no code: ${error.message}`);
      const code = error?.data?.code ?? result?._meta?.[`${OWN}error`]?.code;
      const how = code ?? (error ? 'without a code' : 'success');
      call.note(`answer: ${how}`);
      call.ended(how, 1);
      return call.closed();
    }
    if (method === 'notifications/message' && String(params?.data).includes('runs again')) call.restarted();
    const chunk = params?._meta?.[`${OWN}chunk`];
    for (const [at, item] of (chunk?.items ?? []).entries())
      call.chunk({ index: (chunk?.index ?? 0) + at, data: item as { at: number; run: string } });
  }

  /** An answer that is no stream. */
  #document(status: number, text: string): void {
    const { call } = this.#options;
    if (call.isClosed) return;
    const [, code = '?'] = /"code":"(\w+)"/.exec(text) ?? [];
    call.note(`${status} ${text.slice(0, 200)}`);
    if (this.#lastEventId === '' || !REFUSALS.has(status)) {
      if (status === 400 && this.#lastEventId !== '') return call.goneAfter();
      if (status === 200 || REFUSALS.has(status)) call.answered(code, null);
      else {
        call.violate('end', `${status}: ${text.slice(0, 200)}`);
        call.answered('lost', null);
      }
    }
  }
}
