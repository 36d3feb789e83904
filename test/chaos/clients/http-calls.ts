/**
 * Calls over REST, SSE and NDJSON, each on a connection of its own or on kept ones.
 *
 * H1. The request id is the call's nonce: an answer that repeats another one has been mixed up.
 */
import { Agent, type IncomingMessage, request } from 'node:http';
import { createParser } from 'eventsource-parser';
import { CallLog, memberOf, shown } from './call-log.ts';
import { closingStatus, type Envelope, envelopeReader } from './envelope-reader.ts';
import { type CallSpec, type ChaosCall, HOST, type HttpTarget, type Transport } from './transport.ts';

type HttpName = 'rest' | 'sse' | 'ndjson';

interface Reader {
  feed(text: string): void;
  end(): void;
}

export const ACCEPTS: Readonly<Record<HttpName, string>> = {
  rest: 'application/json',
  sse: 'text/event-stream',
  ndjson: 'application/x-ndjson',
};

export const pathOf = (name: HttpName, tool: string): string =>
  `/tools/${tool}${name === 'rest' ? '' : '/stream'}`;

export class HttpCalls implements Transport {
  readonly name: HttpName;
  readonly #target: HttpTarget;
  readonly #agent: Agent | false;

  /** @param keepsConnections whether calls follow each other on the same connections. */
  constructor(name: HttpName, target: HttpTarget, keepsConnections: boolean) {
    this.name = name;
    this.#target = target;
    this.#agent = keepsConnections && new Agent({ keepAlive: true, maxSockets: 8 });
  }

  call(spec: CallSpec): ChaosCall {
    const { tool, nonce, args, key, timeoutMs } = spec;
    const log = new CallLog(nonce, spec);
    let response: IncomingMessage | undefined;
    let isPaused = false;
    const { port } = this.#target;
    const outgoing = request({
      host: HOST,
      port,
      method: 'POST',
      path: pathOf(this.name, tool),
      agent: this.#agent,
      headers: {
        'x-api-key': key,
        'x-request-id': nonce,
        'content-type': 'application/json',
        accept: ACCEPTS[this.name],
      },
    });
    // With a response there, what it still holds comes first.
    const closeUnanswered = () => {
      if (!response) log.close();
    };
    outgoing.on('error', closeUnanswered).on('close', closeUnanswered);
    outgoing.on('response', (given) => {
      response = given;
      this.#read(given, log);
      if (isPaused) given.pause();
    });
    outgoing.end(JSON.stringify({ arguments: { ...args, nonce }, ...(timeoutMs ? { timeoutMs } : {}) }));
    const cancel = () => {
      log.noteCancelled();
      const path = `/calls/${String(response?.headers['x-call-id'])}`;
      const cancelling = request({
        host: HOST,
        port,
        method: 'DELETE',
        path,
        agent: false,
        headers: { 'x-api-key': key },
      });
      cancelling.on('error', () => {}).on('response', (answer) => answer.resume());
      cancelling.end();
    };
    return {
      log,
      cancel: this.name === 'rest' ? null : cancel,
      leave: () => {
        log.noteLeft();
        outgoing.destroy();
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

  async close(): Promise<void> {
    if (this.#agent) this.#agent.destroy();
  }

  #read(response: IncomingMessage, log: CallLog): void {
    const { 'content-type': type = '', 'x-request-id': requestId, 'x-call-id': callId } = response.headers;
    if (requestId !== log.nonce) log.breach('wrong caller', `the answer is to request ${String(requestId)}`);
    const isRefusal = type.startsWith('application/problem+json');
    if (!isRefusal && callId === undefined) log.breach('contract', 'an answer without X-Call-Id');
    if (!isRefusal && !type.startsWith(ACCEPTS[this.name]))
      log.breach('contract', `an answer of type ${type}`);
    const reader = isRefusal ? problemReader(log) : READERS[this.name](log, String(callId));
    response.setEncoding('utf8');
    response.on('data', (text: string) => attempt(log, () => reader.feed(text)));
    response.on('end', () => attempt(log, () => reader.end()));
    response.on('error', () => {});
    response.on('close', () => log.close());
  }
}

function attempt(log: CallLog, read: () => void): void {
  try {
    read();
  } catch (error) {
    log.breach('contract', `cannot be read: ${String(error)}`);
  }
}

function wholeReader(read: (body: Record<string, unknown>) => void): Reader {
  let text = '';
  return {
    feed: (part) => {
      text += part;
    },
    end: () => read(JSON.parse(text)),
  };
}

function problemReader(log: CallLog): Reader {
  return wholeReader((problem) => {
    if (problem['requestId'] !== log.nonce)
      log.breach('wrong caller', `the problem is of request ${String(problem['requestId'])}`);
    log.failed(problem['code'], problem['details']);
  });
}

/** Lines that are complete. */
function lineReader(read: (line: string) => void): Reader {
  let rest = '';
  return {
    feed: (part) => {
      const lines = (rest + part).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(read);
    },
    end: () => {
      if (rest !== '') throw new Error(`half a line: ${shown(rest)}`);
    },
  };
}

const READERS: Readonly<Record<HttpName, (log: CallLog, callId: string) => Reader>> = {
  rest: (log, callId) =>
    wholeReader((body) => {
      if (memberOf(body['meta'], 'callId') !== callId)
        log.breach('wrong caller', `the body is of call ${String(memberOf(body['meta'], 'callId'))}`);
      if (body['status'] !== 'success') log.breach('contract', `status ${String(body['status'])}`);
      log.succeeded(body['data']);
    }),
  ndjson(log) {
    const read = envelopeReader(log);
    return lineReader((line) => read(JSON.parse(line) as Envelope));
  },
  sse(log, callId) {
    const read = sseReader(log, callId);
    const parser = createParser({ onEvent: ({ id, event, data }) => read(id, event, JSON.parse(data)) });
    return { feed: (text) => parser.feed(text), end: () => {} };
  },
};

/** Holds SSE events against their order: progress and chunk, result or error, done; ids without gaps. */
function sseReader(log: CallLog, callId: string) {
  let seq = 0;
  let outcome: { readonly type: 'result' | 'error'; readonly data: Record<string, unknown> } | undefined;
  return (id: string | undefined, event: string | undefined, data: Record<string, unknown>): void => {
    if (id !== `${callId}.${++seq}`) log.breach('contract', `event id ${String(id)} where ${seq} is due`);
    if (outcome && event !== 'done') log.breach('contract', `${String(event)} after the ${outcome.type}`);
    if (event === 'progress') log.progress(data['progress'], data['message']);
    else if (event === 'chunk') log.chunk(data['index'], data['data']);
    else if (event === 'result' || event === 'error') outcome = { type: event, data };
    else if (event !== 'done') log.breach('contract', `unknown event ${String(event)}`);
    else if (!outcome) log.breach('contract', 'done without result and error');
    else finish(log, outcome.type, outcome.data, data['status']);
  };
}

function finish(
  log: CallLog,
  type: 'result' | 'error',
  data: Record<string, unknown>,
  status: unknown,
): void {
  const expected = type === 'result' ? 'complete' : closingStatus(String(data['code']));
  if (status !== expected) log.breach('contract', `done says ${String(status)} and not ${expected}`);
  if (type === 'result') log.succeeded(data['data']);
  else log.failed(data['code'], data['details']);
}
