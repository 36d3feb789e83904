/** Clients of HTTP, SSE and NDJSON for the shared transport suite. */
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { createParser } from 'eventsource-parser';
import { JSON_POST, KEY } from './start-transports.ts';
import {
  ClientCall,
  type ClientCallOptions,
  type Connect,
  type ToldEnd,
  type ToldError,
} from './transport-client.ts';

/** Turns a streamed body into what it tells; one per call. */
type Reader = (call: ClientCall) => (text: string) => void;

class HttpCall extends ClientCall {
  readonly #request: ClientRequest;
  readonly #url: string;
  #response: IncomingMessage | undefined;
  #callId: string | undefined;

  constructor(url: string, path: string, accept: string, body: object, read: Reader) {
    super();
    this.#url = url;
    const headers = { ...JSON_POST.headers, accept };
    this.#request = httpRequest(url + path, { ...JSON_POST, headers, agent: false });
    this.#request.on('error', () => this.close());
    this.#request.on('response', (response) => this.#receive(response, read));
    this.#request.end(JSON.stringify(body));
  }

  #receive(response: IncomingMessage, read: Reader): void {
    this.#response = response;
    this.#callId = response.headers['x-call-id'] as string | undefined;
    const isProblem = response.headers['content-type']?.startsWith('application/problem+json');
    const feed = isProblem ? readProblem(this) : read(this);
    response.setEncoding('utf8').on('data', feed);
    response.on('error', () => {});
    response.on('close', () => {
      if (isProblem || !response.headers['content-type']?.includes('stream')) feed('');
      this.close();
    });
  }

  /** A sync call tells its id only with its answer, so it is cancelled by whoever knows the id otherwise. */
  cancel(): void {
    void fetch(`${this.#url}/calls/${this.#callId}`, { method: 'DELETE', headers: KEY });
  }

  leave(): void {
    this.#request.destroy();
  }

  pause(): void {
    this.#response?.pause();
  }

  resume(): void {
    this.#response?.resume();
  }
}

/** A whole JSON body; the empty text says that it is complete. */
const readWhole = (tell: (body: Record<string, unknown>) => void): ((text: string) => void) => {
  let body = '';
  return (text) => {
    body += text;
    if (text === '' && body !== '') tell(JSON.parse(body));
  };
};

const STATUS_BY_CODE: Readonly<Record<string, ToldEnd['status']>> = {
  cancelled: 'cancelled',
  deadline_exceeded: 'timeout',
};

const readProblem: Reader = (call) =>
  readWhole(({ code, detail, details }) => {
    const error: ToldError = { code: code as string, message: detail as string, details };
    call.tell({ type: 'end', status: STATUS_BY_CODE[error.code] ?? 'error', error });
  });

const readAnswer: Reader = (call) =>
  readWhole(({ data, meta }) => {
    call.tell({ type: 'end', status: 'success', data, meta: meta as Record<string, unknown> });
  });

/** Tells what SSE events say; an event out of place is told as it is, for the suite to trip over. */
const readSse: Reader = (call) => {
  let end: Partial<ToldEnd> = {};
  const parser = createParser({
    onEvent({ event, data: text }) {
      const data = JSON.parse(text);
      if (event === 'progress' || event === 'chunk') call.tell({ type: event, ...data });
      else if (event === 'result') end = { ...end, ...data };
      else if (event === 'error') end = { ...end, error: data };
      else if (event === 'done') {
        const status = data.status === 'complete' ? 'success' : data.status;
        call.tell({ type: 'end', ...end, status });
      } else throw new Error(`unexpected event ${event}`);
    },
  });
  return (text) => parser.feed(text);
};

/** Tells what an envelope says; shared with WebSocket. */
export function envelopeTeller(call: ClientCall): (envelope: Record<string, unknown>) => void {
  let error: ToldError | undefined;
  return ({ event, seq: _number, ...rest }) => {
    if (event === 'progress' || event === 'chunk') call.tell({ type: event, ...rest } as never);
    else if (event === 'error') error = rest['error'] as ToldError;
    else if (event === 'complete') call.tell({ type: 'end', ...rest, ...(error && { error }) } as never);
    else if (event !== 'started') throw new Error(`unexpected event ${event}`);
  };
}

const readNdjson: Reader = (call) => {
  const tell = envelopeTeller(call);
  let rest = '';
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) tell(JSON.parse(line));
  };
};

const connectHttp =
  (suffix: string, accept: string, read: Reader): Connect =>
  async ({ url }) => {
    const calls: HttpCall[] = [];
    return {
      call(tool: string, args: object = {}, options: ClientCallOptions = {}) {
        const call = new HttpCall(
          url,
          `/tools/${tool}${suffix}`,
          accept,
          { arguments: args, ...options },
          read,
        );
        calls.push(call);
        return call;
      },
      async close() {
        for (const call of calls) call.leave();
      },
    };
  };

export const connectSync = connectHttp('', 'application/json', readAnswer);
export const connectSse = connectHttp('/stream', 'text/event-stream', readSse);
export const connectNdjson = connectHttp('/stream', 'application/x-ndjson', readNdjson);
