/** Speaks MCP over HTTP by hand, for what SDK clients never send or hide. */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { createParser } from 'eventsource-parser';

export interface Message {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: Record<string, never> & { readonly _meta?: Record<string, never> };
  readonly result?: Record<string, never>;
  readonly error?: { readonly code: number; readonly message: string; readonly data?: Record<string, never> };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Messages of the answer, events with data as they came. */
  readonly messages: Message[];
  readonly last: Message | undefined;
  readonly lastEventId: string | undefined;
}

/** A request under way. */
export interface Exchange {
  readonly head: Promise<IncomingMessage>;
  readonly messages: Message[];
  /** Settles with the n-th message, counted from 1. */
  message(n: number): Promise<Message>;
  /** Settles when the answer is complete, or the connection is gone. */
  readonly done: Promise<Reply>;
  leave(): void;
}

export const SUPER: Record<string, string> = { 'x-api-key': 'super-secret' };
export const SECOND: Record<string, string> = { 'x-api-key': 'second' };

export function exchange(
  url: string,
  method: string,
  headers: Record<string, string>,
  body?: string | Buffer,
): Exchange {
  const messages: Message[] = [];
  const waiting: { n: number; resolve: (message: Message) => void }[] = [];
  let outgoing: ClientRequest;
  let lastEventId: string | undefined;
  const add = (text: string) => {
    if (text === '') return;
    messages.push(JSON.parse(text));
    for (const { n, resolve } of waiting) if (messages[n - 1]) resolve(messages[n - 1] as Message);
  };
  const head = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing = request(url, { method, agent: false, headers: { connection: 'close', ...headers } }, resolve);
    outgoing.on('error', reject);
    outgoing.end(body);
  });
  const done = head.then(
    (response) =>
      new Promise<Reply>((resolve) => {
        const isStream = response.headers['content-type'] === 'text/event-stream';
        const parser = createParser({
          onEvent: ({ id, data }) => {
            if (id !== undefined) lastEventId = id;
            add(data);
          },
        });
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          if (isStream) parser.feed(part);
          else text += part;
        });
        response.on('error', () => {});
        response.on('close', () => {
          if (!isStream) add(text);
          const { statusCode: status = 0, headers: given } = response;
          resolve({ status, headers: given, messages, last: messages.at(-1), lastEventId });
        });
      }),
  );
  done.catch(() => {});
  return {
    head,
    messages,
    done,
    message: (n) =>
      messages[n - 1]
        ? Promise.resolve(messages[n - 1] as Message)
        : new Promise((resolve) => waiting.push({ n, resolve })),
    leave: () => outgoing.destroy(),
  };
}

const BOTH = 'application/json, text/event-stream';

export class WireClient {
  readonly url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, headers: Record<string, string> = SUPER) {
    this.url = url;
    this.#headers = { ...headers };
  }

  /** Opens a session, and uses it from then on. */
  async initialize(protocolVersion = '2025-11-25', capabilities: object = {}): Promise<Reply> {
    const clientInfo = { name: 'wire', version: '1' };
    const reply = await this.call('initialize', { protocolVersion, capabilities, clientInfo }, 'init').done;
    this.#headers['mcp-session-id'] = String(reply.headers['mcp-session-id']);
    this.#headers['mcp-protocol-version'] = protocolVersion;
    await this.post({ jsonrpc: '2.0', method: 'notifications/initialized' }).done;
    return reply;
  }

  get sessionId(): string {
    return this.#headers['mcp-session-id'] ?? '';
  }

  /** The same client, with its session, at another address. @param headers in place of its own. */
  at(url: string, headers: Record<string, string> = {}): WireClient {
    return new WireClient(url, { ...this.#headers, ...headers });
  }

  post(message: unknown, headers: Record<string, string> = {}): Exchange {
    const body = typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message);
    const all = { 'content-type': 'application/json', accept: BOTH, ...this.#headers, ...headers };
    return exchange(this.url, 'POST', all, body);
  }

  call(method: string, params: object = {}, id: unknown = 1, headers: Record<string, string> = {}): Exchange {
    return this.post({ jsonrpc: '2.0', id, method, params }, headers);
  }

  tool(name: string, args: object = {}, id: unknown = 1, meta?: object): Exchange {
    return this.call('tools/call', { name, arguments: args, ...(meta ? { _meta: meta } : {}) }, id);
  }

  cancel(requestId: unknown): Exchange {
    return this.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } });
  }

  listen(headers: Record<string, string> = {}): Exchange {
    return exchange(this.url, 'GET', { accept: 'text/event-stream', ...this.#headers, ...headers });
  }

  end(headers: Record<string, string> = {}): Exchange {
    return exchange(this.url, 'DELETE', { ...this.#headers, ...headers });
  }

  /** A request of the stateless era, with its envelope and its headers. */
  stateless(method: string, params: Record<string, unknown> = {}, more: StatelessOptions = {}): Exchange {
    const { id = 1, capabilities = {}, meta = {}, headers = {} } = more;
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': capabilities,
      ...meta,
    };
    const name = params['name'] ?? params['uri'];
    return this.post(
      { jsonrpc: '2.0', id, method, params: { ...params, _meta } },
      {
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(name === undefined ? {} : { 'mcp-name': String(name) }),
        ...headers,
      },
    );
  }
}

export interface StatelessOptions {
  readonly id?: unknown;
  readonly capabilities?: object;
  readonly meta?: object;
  readonly headers?: Record<string, string>;
}
