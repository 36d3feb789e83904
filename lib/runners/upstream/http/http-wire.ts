/**
 * Streamable HTTP as a wire, in both eras of the protocol; and HTTP+SSE of 2024-11-05, where the server has no other.
 *
 * H1. Every request is a POST of its own; what comes on its response is that request's, and is read as fast as its reader
 *     reads.
 * H2. A stream that breaks before its answer is taken up again where its events have ids.
 * H3. A session that its server has forgotten ends the connection: the request that found out did not run.
 */
import type { IncomingMessage } from 'node:http';
import type { HttpSource } from '../file/server-entry.ts';
import type { OpenWire, Outgoing, RequestId, Wire, WireListener } from '../protocol/wire.ts';
import { EventReader } from './event-reader.ts';
import { HttpClient, readText } from './exchange.ts';
import { LegacyEvents } from './legacy-events.ts';

export interface HttpOptions {
  /** The longest message, in bytes. */
  readonly maxBytes: number;
}

export const openHttp =
  (source: HttpSource, options: HttpOptions): OpenWire =>
  (listener) =>
    source.kind === 'sse'
      ? new LegacyEvents(source, options.maxBytes, listener)
      : new HttpWire(source, options.maxBytes, listener);

const RESUMES = 5;
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;
const STATELESS_SINCE = '2026-07-28';
const ACCEPT = 'application/json, text/event-stream';
/** What a server without Streamable HTTP answers to its first request. */
const UNKNOWN_TRANSPORT = new Set([400, 404, 405]);

/** One request under way. */
interface Open {
  readonly id: RequestId;
  breakOff: () => void;
  response: IncomingMessage | null;
  lastEventId: string | null;
  retryMs: number;
  resumes: number;
  isHeld: boolean;
  isAnswered: boolean;
}

class HttpWire implements Wire {
  readonly #source: HttpSource;
  readonly #maxBytes: number;
  readonly #listener: WireListener;
  readonly #client = new HttpClient();
  readonly #open = new Map<RequestId, Open>();
  readonly processes: readonly number[] = [];
  readonly isBehind = false;
  #session: string | undefined;
  #version: string | undefined;
  #isClosed = false;
  #endNews: () => void = () => undefined;
  #newsTimer: NodeJS.Timeout | undefined;
  #newsEventId: string | null = null;
  /** What waits until the server knows that the handshake is over. */
  #waiting: Outgoing[] | null = null;
  #legacy: LegacyEvents | null = null;

  constructor(source: HttpSource, maxBytes: number, listener: WireListener) {
    this.#source = source;
    this.#maxBytes = maxBytes;
    this.#listener = listener;
  }

  get isSessionless(): boolean | undefined {
    return this.#legacy ? undefined : this.#session === undefined;
  }

  get #isStateless(): boolean {
    return this.#version !== undefined && this.#version >= STATELESS_SINCE;
  }

  #headers(message?: Outgoing): Record<string, string> {
    const { method, name } = message ?? {};
    const modern = this.#isStateless && method !== undefined;
    return {
      Accept: ACCEPT,
      ...this.#source.headers,
      ...(this.#session === undefined || this.#isStateless ? {} : { 'Mcp-Session-Id': this.#session }),
      ...(this.#version === undefined ? {} : { 'MCP-Protocol-Version': this.#version }),
      ...(modern
        ? { 'Mcp-Method': method, ...(name === undefined ? {} : { 'Mcp-Name': headerText(name) }) }
        : {}),
    };
  }

  send(message: Outgoing): void {
    if (this.#isClosed) return;
    if (this.#legacy) return this.#legacy.send(message);
    if (this.#waiting) {
      this.#waiting.push(message);
      return;
    }
    if (message.method === 'notifications/initialized') this.#waiting = [];
    const { id, text } = message;
    const open: Open | undefined =
      id === undefined
        ? undefined
        : {
            id,
            breakOff: () => undefined,
            response: null,
            lastEventId: null,
            retryMs: RETRY_MS,
            resumes: 0,
            isHeld: false,
            isAnswered: false,
          };
    if (open) this.#open.set(open.id, open);
    const breakOff = this.#client.send({
      method: 'POST',
      url: this.#source.url,
      headers: this.#headers(message),
      body: text,
      isRepeatable: message.method !== 'tools/call' && message.method !== undefined,
      response: (response) => this.#onResponse(response, message, open),
      failed: (reason, isUnsent) => {
        if (this.#isClosed || (open && !this.#open.has(open.id))) return;
        if (!open) return this.#release();
        // What could not be sent did not run; the next may be sent to a server that is back.
        if (isUnsent) return this.#end(reason, open.id);
        this.#open.delete(open.id);
        this.#listener.lost(open.id, reason);
      },
    });
    if (open) open.breakOff = breakOff;
  }

  /** The handshake is over for the server too. */
  #release(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    for (const message of waiting ?? []) this.send(message);
  }

  #onResponse(response: IncomingMessage, message: Outgoing, open: Open | undefined): void {
    const { statusCode = 0, headers } = response;
    const session = headers['mcp-session-id'];
    if (message.method === 'initialize' && typeof session === 'string') this.#session = session;
    if (!open) {
      response.resume();
      if (message.method === 'notifications/initialized') {
        this.#release();
        if (!this.#isStateless) this.#listen();
      }
      return;
    }
    open.response = response;
    if (open.isHeld) response.pause();
    const type = headers['content-type'] ?? '';
    if (statusCode === 200 && type.includes('text/event-stream')) return this.#readEvents(response, open);
    readText(response, this.#maxBytes, (text) => this.#onText(statusCode, text, message, open));
  }

  #onText(status: number, text: string | null, message: Outgoing, open: Open): void {
    if (!this.#open.has(open.id) || this.#isClosed) return;
    if (text === null && status === 200) {
      this.#open.delete(open.id);
      return this.#listener.tooLong({ head: '', tail: '' }, open.id);
    }
    if (
      status === 404 &&
      this.#session !== undefined &&
      !this.#isStateless &&
      message.method !== 'initialize'
    )
      return this.#end('has forgotten the session', open.id);
    const answer = answerIn(text ?? '', open.id);
    if (answer !== null) {
      this.#open.delete(open.id);
      return this.#listener.received(answer, open.id);
    }
    if (message.method === 'initialize' && UNKNOWN_TRANSPORT.has(status))
      return this.#turnToLegacy(message, open);
    this.#open.delete(open.id);
    const hint = status === 401 || status === 403 ? ': its "headers" need a valid key or token' : '';
    this.#listener.lost(open.id, `answered with HTTP ${status}${hint}`);
  }

  /** There are servers that have HTTP+SSE alone. */
  #turnToLegacy(message: Outgoing, open: Open): void {
    this.#open.delete(open.id);
    this.#legacy = new LegacyEvents(this.#source, this.#maxBytes, this.#listener);
    this.#legacy.send(message);
  }

  #readEvents(response: IncomingMessage, open: Open): void {
    const reader = new EventReader(this.#maxBytes, {
      event: ({ data }) => {
        if (data === '' || !this.#open.has(open.id)) return; // an event that only has an id
        if (isAnswerTo(data, open.id)) {
          open.isAnswered = true;
          this.#open.delete(open.id);
        }
        this.#listener.received(data, open.id);
      },
      tooLong: (ends) => {
        open.isAnswered = true;
        this.#open.delete(open.id);
        this.#listener.tooLong(ends, open.id);
      },
      id: (id) => {
        open.lastEventId = id;
      },
      retry: (ms) => {
        open.retryMs = Math.min(ms, LONGEST_RETRY_MS);
      },
    });
    response.on('data', (part: Buffer) => reader.push(part));
    response.on('error', () => undefined);
    response.once('close', () => this.#onStreamEnd(open));
  }

  #onStreamEnd(open: Open): void {
    if (open.isAnswered || this.#isClosed || !this.#open.has(open.id)) return;
    if (open.lastEventId === null || open.resumes >= RESUMES) {
      this.#open.delete(open.id);
      return this.#listener.lost(open.id, 'closed the stream before its answer');
    }
    open.resumes++;
    const timer = setTimeout(() => this.#resume(open), open.retryMs).unref();
    open.breakOff = () => clearTimeout(timer);
  }

  #resume(open: Open): void {
    const again = () => this.#onStreamEnd(open);
    open.breakOff = this.#client.send({
      method: 'GET',
      url: this.#source.url,
      headers: { ...this.#headers(), Accept: 'text/event-stream', 'Last-Event-ID': open.lastEventId ?? '' },
      response: (response) => {
        open.response = response;
        if (response.statusCode === 200) return this.#readEvents(response, open);
        response.resume();
        open.lastEventId = null;
        again();
      },
      failed: again,
    });
  }

  /** What the server says that belongs to no request. */
  #listen(): void {
    if (this.#isClosed) return;
    const again = (ms: number) => {
      clearTimeout(this.#newsTimer);
      if (!this.#isClosed) this.#newsTimer = setTimeout(() => this.#listen(), ms).unref();
    };
    this.#endNews = this.#client.send({
      method: 'GET',
      url: this.#source.url,
      headers: {
        ...this.#headers(),
        Accept: 'text/event-stream',
        ...(this.#newsEventId === null ? {} : { 'Last-Event-ID': this.#newsEventId }),
      },
      response: (response) => {
        if (response.statusCode !== 200 || !response.headers['content-type']?.includes('text/event-stream')) {
          response.resume();
          return; // it has nothing to say
        }
        const reader = new EventReader(this.#maxBytes, {
          event: ({ data }) => {
            if (data !== '') this.#listener.received(data, undefined);
          },
          tooLong: (ends) => this.#listener.tooLong(ends, undefined),
          id: (id) => {
            this.#newsEventId = id;
          },
          retry: () => undefined,
        });
        response.on('data', (part: Buffer) => reader.push(part));
        response.on('error', () => undefined);
        response.once('close', () => again(RETRY_MS));
      },
      failed: () => again(LONGEST_RETRY_MS),
    });
  }

  hold(isHeld: boolean, id: RequestId): void {
    if (this.#legacy) return this.#legacy.hold(isHeld, id);
    const open = this.#open.get(id);
    if (!open) return;
    open.isHeld = isHeld;
    if (isHeld) open.response?.pause();
    else open.response?.resume();
  }

  forget(id: RequestId): void {
    if (this.#legacy) return this.#legacy.forget(id);
    const open = this.#open.get(id);
    this.#open.delete(id);
    open?.breakOff();
    open?.response?.destroy();
  }

  agreed(version: string): void {
    this.#version = version;
  }

  #end(reason: string, unrun?: RequestId): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cut();
    this.#listener.closed(reason, unrun);
  }

  #cut(): void {
    clearTimeout(this.#newsTimer);
    this.#endNews();
    for (const { breakOff, response } of this.#open.values()) {
      breakOff();
      response?.destroy();
    }
    this.#open.clear();
  }

  async close(): Promise<void> {
    const wasOpen = !this.#isClosed;
    this.#isClosed = true;
    this.#cut();
    await this.#legacy?.close();
    if (wasOpen && this.#session !== undefined) await this.#leave();
    this.#client.close();
  }

  /** Says that the session is over; whether the server hears it is its own loss. */
  #leave(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        resolve();
      };
      const breakOff = this.#client.send({
        method: 'DELETE',
        url: this.#source.url,
        headers: { ...this.#headers(), 'Mcp-Session-Id': this.#session ?? '' },
        response: (response) => {
          response.resume();
          end();
        },
        failed: end,
      });
      const timer = setTimeout(() => {
        breakOff();
        resolve();
      }, RETRY_MS);
    });
  }
}

/** A header holds visible ASCII alone. */
const headerText = (name: string): string =>
  /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/.test(name) && !name.startsWith('=?')
    ? name
    : `=?base64?${Buffer.from(name).toString('base64')}?=`;

/** Whether a message answers a request. */
const isAnswerTo = (text: string, id: RequestId): boolean => {
  if (!text.includes('"result"') && !text.includes('"error"')) return false;
  try {
    const message = JSON.parse(text);
    return message.method === undefined && message.id === id;
  } catch {
    return false;
  }
};

/** The message of a body, under the request's id where an error has none; null where there is none. */
function answerIn(text: string, id: RequestId): string | null {
  try {
    const message = JSON.parse(text);
    if (message?.jsonrpc !== '2.0') return null;
    if (message.error !== undefined && message.id !== id) return JSON.stringify({ ...message, id });
    return text;
  } catch {
    return null;
  }
}
