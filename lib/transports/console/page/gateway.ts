/**
 * The gateway as the page reaches it: its address, the key, requests and their failures.
 *
 * G1. The key is in this memory alone, and in sessionStorage where its user says so: never in an address, in
 *     localStorage or in what is copied.
 */
import { Emitter } from './emitter.ts';

/** Where the gateway is, behind whatever prefix the page was opened under. */
export const BASE = new URL('..', location.href.replace(/[?#].*$/, '')).href;
const KEPT_KEY = 'gateway-key';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Schema = { readonly [keyword: string]: unknown };

export interface Tool {
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly inputSchema: Schema;
  readonly outputSchema?: Schema;
  readonly chunkSchema?: Schema;
  readonly annotations?: {
    readonly readOnlyHint?: boolean;
    readonly destructiveHint?: boolean;
    readonly idempotentHint?: boolean;
    readonly openWorldHint?: boolean;
  };
}

interface GatewayInfo {
  readonly name: string;
  readonly version: string;
  readonly endpoints: readonly { readonly path: string }[];
}

export interface Issue {
  readonly path: string | readonly (string | number)[];
  readonly message: string;
  readonly code?: string;
}

/** An error of the gateway, whatever it came in. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly status?: number;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly details?: { readonly issues?: readonly Issue[]; readonly [name: string]: unknown };
}

export class GatewayError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export const failureOf = (thrown: unknown): Failure =>
  thrown instanceof GatewayError
    ? thrown.failure
    : { code: 'unreachable', message: thrown instanceof Error ? thrown.message : String(thrown) };

/** `asking`: for a key; `lost`: the gateway does not answer. */
export type Connection = 'connecting' | 'asking' | 'connected' | 'lost';

class Gateway extends Emitter {
  connection: Connection = 'connecting';
  /** Why there is no connection. */
  reason = '';
  needsKey = true;
  name = 'mcp-streaming-gateway';
  version = '';
  tools: readonly Tool[] = [];
  hasGraphql = false;
  #key = sessionStorage.getItem(KEPT_KEY) ?? '';

  get hasKey(): boolean {
    return this.#key !== '';
  }

  get isKeyKept(): boolean {
    return sessionStorage.getItem(KEPT_KEY) !== null;
  }

  /** What a WebSocket is opened with: the key goes as a subprotocol, which is no part of an address. */
  get protocols(): string[] {
    if (this.#key === '') return ['mcp-gateway.v1'];
    const bytes = new TextEncoder().encode(this.#key);
    const base64 = btoa(String.fromCharCode(...bytes));
    const text = base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
    return ['mcp-gateway.v1', `apikey.${text}`];
  }

  async useKey(key: string, isKept: boolean): Promise<void> {
    this.#key = key.trim();
    if (isKept && key !== '') sessionStorage.setItem(KEPT_KEY, this.#key);
    else sessionStorage.removeItem(KEPT_KEY);
    await this.connect();
  }

  forgetKey(): void {
    this.#key = '';
    sessionStorage.removeItem(KEPT_KEY);
    this.tools = [];
    this.reason = '';
    this.connection = 'asking';
    this.changed();
  }

  /** Asks for the tools, which tells whether the key is good. */
  async connect(): Promise<void> {
    try {
      const hadKey = this.hasKey;
      const info = await this.json<GatewayInfo>('');
      this.name = info.name;
      this.version = info.version;
      this.hasGraphql = info.endpoints.some(({ path }) => path === '/graphql');
      this.tools = (await this.json<{ tools: Tool[] }>('tools')).tools;
      this.needsKey = hadKey;
      this.reason = '';
      this.connection = 'connected';
    } catch (thrown) {
      const { code, message } = failureOf(thrown);
      const isRefused = code === 'unauthenticated' || code === 'rate_limited' || code === 'permission_denied';
      if (isRefused) {
        this.reason = this.hasKey ? message : '';
        this.#key = '';
        sessionStorage.removeItem(KEPT_KEY);
      } else this.reason = message;
      this.connection = isRefused ? 'asking' : 'lost';
    }
    this.changed();
  }

  /** @throws {GatewayError} for what the gateway refuses. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('Accept', headers.get('Accept') ?? 'application/json');
    if (this.#key !== '') headers.set('X-API-Key', this.#key);
    if (typeof init.body === 'string') headers.set('Content-Type', 'application/json');
    const response = await fetch(BASE + path, { ...init, headers, cache: 'no-store', redirect: 'error' });
    if (response.ok) return response;
    throw new GatewayError(await failureIn(response));
  }

  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    return (await this.request(path, init)).json() as Promise<T>;
  }
}

async function failureIn(response: Response): Promise<Failure> {
  const text = await response.text().catch(() => '');
  try {
    const { code, detail, message, ...rest } = JSON.parse(text);
    const { error } = rest;
    if (code === undefined && error)
      return { code: String(error.code), message: error.message, status: response.status };
    return { ...rest, code, message: detail ?? message, status: response.status };
  } catch {
    return {
      code: `http_${response.status}`,
      message: text.slice(0, 300) || response.statusText,
      status: response.status,
    };
  }
}

export const gateway = new Gateway();

/** The lines of a body as they come; the reader that breaks off ends it. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>)
    .getReader();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + value).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
    }
    if (rest !== '') yield rest;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
