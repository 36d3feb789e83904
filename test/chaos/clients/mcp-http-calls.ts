/**
 * Calls over MCP's Streamable HTTP, in the era with sessions (one session per key) and in the stateless one.
 */
import { type IncomingMessage, request } from 'node:http';
import { createParser } from 'eventsource-parser';
import { CallLog } from './call-log.ts';
import { callParams, LEGACY, type McpMessage, MODERN, readMcp } from './mcp-reader.ts';
import { type CallSpec, type ChaosCall, HOST, type HttpTarget, type Transport } from './transport.ts';

export const MCP_HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
};

export class McpHttpCalls implements Transport {
  readonly name: 'mcp-sessions' | 'mcp-stateless';
  readonly #target: HttpTarget;
  readonly #sessions = new Map<string, Promise<string>>();

  constructor(name: 'mcp-sessions' | 'mcp-stateless', target: HttpTarget) {
    this.name = name;
    this.#target = target;
  }

  call(spec: CallSpec): ChaosCall {
    const { tool, nonce, args, key } = spec;
    const log = new CallLog(nonce, spec);
    const isModern = this.name === 'mcp-stateless';
    const body = {
      jsonrpc: '2.0',
      id: nonce,
      method: 'tools/call',
      params: callParams(tool, { ...args, nonce }, nonce, isModern),
    };
    let response: IncomingMessage | undefined;
    let leaveNow: (() => void) | undefined;
    let isPaused = false;
    const send = (headers: Record<string, string>) => {
      if (log.ending !== undefined) return;
      const outgoing = post(this.#target.port, { ...headers, 'x-api-key': key, 'x-request-id': nonce }, body);
      leaveNow = () => outgoing.destroy();
      // With a response there, what it still holds comes first.
      const closeUnanswered = () => {
        if (!response) log.close();
      };
      outgoing.on('error', closeUnanswered).on('close', closeUnanswered);
      outgoing.on('response', (given) => {
        response = given;
        readAnswer(given, log);
        if (isPaused) given.pause();
      });
    };
    if (isModern) send(modernHeaders(tool));
    else
      this.session(key).then(
        (id) => send(sessionHeaders(id)),
        () => log.close(),
      );
    return {
      log,
      cancel: isModern ? null : () => this.#cancel(log, key),
      leave: () => {
        log.noteLeft();
        if (leaveNow) leaveNow();
        else log.close();
      },
      pause: () => {
        isPaused = true;
        response?.pause();
      },
      resume: () => {
        isPaused = false;
        response?.resume();
      },
    };
  }

  #cancel(log: CallLog, key: string): void {
    log.noteCancelled();
    const params = { requestId: log.nonce };
    this.session(key).then(
      (id) =>
        silently(
          post(
            this.#target.port,
            { ...sessionHeaders(id), 'x-api-key': key },
            { jsonrpc: '2.0', method: 'notifications/cancelled', params },
          ),
        ),
      () => {},
    );
  }

  /** The key's session, opened when it is first needed. */
  session(key: string): Promise<string> {
    const known = this.#sessions.get(key);
    if (known) return known;
    const opened = openSession(this.#target.port, key);
    this.#sessions.set(key, opened);
    opened.catch(() => this.#sessions.delete(key));
    return opened;
  }

  /** Forgets sessions of a gateway that is no more. */
  forget(): void {
    this.#sessions.clear();
  }

  async close(): Promise<void> {
    const open = [...this.#sessions];
    this.forget();
    for (const [key, opening] of open) {
      const id = await opening.catch(() => undefined);
      if (id === undefined) continue;
      const headers = { ...sessionHeaders(id), 'x-api-key': key };
      const ending = request({
        host: HOST,
        port: this.#target.port,
        path: '/mcp',
        method: 'DELETE',
        agent: false,
        headers,
      });
      ending.end();
      await silently(ending);
    }
  }
}

export const modernHeaders = (tool: string): Record<string, string> => ({
  'mcp-protocol-version': MODERN,
  'mcp-method': 'tools/call',
  'mcp-name': tool,
});

export const sessionHeaders = (id: string): Record<string, string> => ({
  'mcp-session-id': id,
  'mcp-protocol-version': LEGACY,
});

function post(port: number, headers: Record<string, string>, body: object) {
  const outgoing = request({
    host: HOST,
    port,
    path: '/mcp',
    method: 'POST',
    agent: false,
    headers: { ...MCP_HEADERS, ...headers },
  });
  outgoing.end(JSON.stringify(body));
  return outgoing;
}

/** Waits for the end of an exchange that nobody reads. */
function silently(outgoing: ReturnType<typeof request>): Promise<void> {
  return new Promise((resolve) => {
    outgoing.on('response', (response) => response.resume());
    outgoing.on('error', () => {});
    outgoing.on('close', () => resolve());
  });
}

function openSession(port: number, key: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const params = { protocolVersion: LEGACY, capabilities: {}, clientInfo: { name: 'chaos', version: '1' } };
    const body = { jsonrpc: '2.0', id: 'initialize', method: 'initialize', params };
    const outgoing = post(port, { 'x-api-key': key }, body);
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      response.resume();
      const id = response.headers['mcp-session-id'];
      if (typeof id !== 'string') return reject(new Error(`initialize answered ${response.statusCode}`));
      const told = { ...sessionHeaders(id), 'x-api-key': key };
      silently(post(port, told, { jsonrpc: '2.0', method: 'notifications/initialized' })).then(
        () => resolve(id),
        reject,
      );
    });
  });
}

function readAnswer(response: IncomingMessage, log: CallLog): void {
  const { 'x-request-id': requestId, 'content-type': type = '' } = response.headers;
  if (requestId !== log.nonce) log.breach('wrong caller', `the answer is to request ${String(requestId)}`);
  const isStream = type.startsWith('text/event-stream');
  const read = (text: string) => {
    if (text !== '') readMcp(log, JSON.parse(text) as McpMessage);
  };
  const parser = createParser({ onEvent: ({ data }) => read(data) });
  let whole = '';
  response.setEncoding('utf8');
  response.on('data', (text: string) => {
    if (isStream) parser.feed(text);
    else whole += text;
  });
  response.on('end', () => {
    if (!isStream) read(whole);
  });
  response.on('error', () => {});
  response.on('close', () => log.close());
}
