/**
 * How a client's connection carries a call: server-sent events, lines of JSON, or a WebSocket; each as the same events.
 *
 * W1. What is read on is read on in the format it began with, so that the same event is the same text.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { SeenEvent } from './observed-call.ts';

/** What a client asks for. */
export interface Asked {
  readonly gateway: string;
  readonly key: string;
  readonly tool: string;
  readonly args: object;
  readonly idempotencyKey: string;
  readonly detach: number;
  /** Of a call that is known: its id, and the number of the last event that was seen. */
  readonly left: { readonly callId: string; readonly after: number } | null;
  /** Whether it comes back with the request that began the stream, where the format knows that. */
  readonly byPost: boolean;
  readonly signal: AbortSignal;
  /** Told of any sign of life. */
  heard(): void;
}

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly text: string;
  /** It is the end of a call that was made with the same key. */
  readonly isReplay: boolean;
}

export type Opened =
  | { readonly refusal: Refusal }
  | { readonly callId: string | null; readonly events: AsyncIterable<SeenEvent | 'moved'> };

export type Wire = (asked: Asked) => Promise<Opened>;

export type Format = 'sse' | 'ndjson' | 'websocket';

async function post(asked: Asked, accept: string): Promise<Response> {
  const { gateway, key, tool, args, idempotencyKey, detach, left, byPost, signal, heard } = asked;
  const headers: Record<string, string> = { 'X-API-Key': key, Accept: accept };
  if (left && left.after > 0) headers['Last-Event-ID'] = `${left.callId}.${left.after}`;
  let response: Response;
  if (left && !(byPost && left.after > 0))
    response = await fetch(`${gateway}/calls/${left.callId}/events`, { headers, signal });
  else {
    headers['Content-Type'] = 'application/json';
    if (!left) headers['Idempotency-Key'] = idempotencyKey;
    const body = JSON.stringify({ arguments: args, detach });
    response = await fetch(`${gateway}/tools/${tool}/stream`, { method: 'POST', headers, body, signal });
  }
  heard();
  return response;
}

async function refusalOf(response: Response): Promise<{ refusal: Refusal }> {
  const text = await response.text();
  const [, code = '?'] = /"code":"(\w+)"/.exec(text) ?? [];
  const isReplay = response.headers.get('idempotent-replay') === 'true';
  return { refusal: { status: response.status, code, text, isReplay } };
}

async function* piecesOf(response: Response, end: string, heard: () => void): AsyncGenerator<string> {
  const texts = (response.body as ReadableStream<Uint8Array>).pipeThrough(
    new TextDecoderStream() as never,
  ) as unknown as AsyncIterable<string>;
  let rest = '';
  for await (const text of texts) {
    heard();
    const pieces = (rest + text).split(end);
    rest = pieces.pop() ?? '';
    yield* pieces;
  }
}

const sse: Wire = async (asked) => {
  const response = await post(asked, 'text/event-stream');
  if (response.status !== 200) return refusalOf(response);
  async function* events(): AsyncGenerator<SeenEvent | 'moved'> {
    for await (const block of piecesOf(response, '\n\n', asked.heard)) {
      const fields = new Map(
        block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string]),
      );
      const name = fields.get('event');
      const id = fields.get('id') ?? '';
      if (id.endsWith('.moved')) yield 'moved';
      else if (name !== undefined) yield { name, id, data: fields.get('data') ?? 'null' };
    }
  }
  return { callId: response.headers.get('x-call-id'), events: events() };
};

interface Envelope {
  readonly event: string;
  readonly seq?: number;
  readonly status?: string;
  readonly callId?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly status: number };
  readonly [field: string]: unknown;
}

/** An envelope as the events that SSE would have sent. */
function* seen({ event, seq = Number.NaN, id: _id, ...data }: Envelope, callId: string) {
  const at = (name: string, number: number, value: unknown): SeenEvent => ({
    name,
    id: `${callId}.${number}`,
    data: JSON.stringify(value),
  });
  if (event === 'complete') {
    if (data.status === 'moved') {
      yield 'moved' as const;
      return;
    }
    if (data.status === 'success') yield at('result', seq - 1, data);
    yield at('done', seq, { status: data.status });
  } else if (event === 'error') yield at('error', seq, data.error);
  else if (event !== 'started' && event !== 'pong') yield at(event, seq, data);
}

const ndjson: Wire = async (asked) => {
  const response = await post(asked, 'application/x-ndjson');
  if (response.status !== 200) return refusalOf(response);
  const callId = response.headers.get('x-call-id') ?? '';
  async function* events(): AsyncGenerator<SeenEvent | 'moved'> {
    for await (const line of piecesOf(response, '\n', asked.heard))
      yield* seen(JSON.parse(line) as Envelope, callId);
  }
  return { callId, events: events() };
};

const websocket: Wire = async ({ gateway, key, tool, args, idempotencyKey, detach, left, signal, heard }) => {
  const socket = new WebSocket(`${gateway.replace('http', 'ws')}/ws/tools/${tool}`, {
    headers: { 'X-API-Key': key },
  });
  const messages: Envelope[] = [];
  let wake: () => void = () => undefined;
  let isOver = false;
  let status = 0;
  socket.on('unexpected-response', (_, response) => {
    status = response.statusCode ?? 0;
    socket.terminate();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isOver = true;
    wake();
  });
  socket.on('message', (data) => {
    heard();
    messages.push(JSON.parse(String(data)) as Envelope);
    wake();
  });
  signal.addEventListener('abort', () => socket.terminate(), { once: true });
  const next = async (): Promise<Envelope | undefined> => {
    while (messages.length === 0 && !isOver)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    return messages.shift();
  };
  try {
    await once(socket, 'open', { signal });
  } catch (error) {
    if (status === 0) throw error;
    return { refusal: { status, code: '?', text: 'no upgrade', isReplay: false } };
  }
  socket.send(
    JSON.stringify(
      left
        ? { event: 'resume', id: 1, callId: left.callId, after: left.after }
        : { id: 1, arguments: args, detach, idempotencyKey },
    ),
  );
  const first = await next();
  if (!first) throw new Error('closed without a word');
  if (first.event === 'error' && (first.seq === undefined || !left)) {
    socket.terminate();
    const { code = '?', message = '', status: as = 500 } = first.error ?? {};
    return { refusal: { status: as, code, text: message, isReplay: first.seq !== undefined } };
  }
  const callId = left?.callId ?? first.callId ?? null;
  async function* events(): AsyncGenerator<SeenEvent | 'moved'> {
    try {
      for (let message: Envelope | undefined = first; message; message = await next())
        yield* seen(message, callId ?? '');
    } finally {
      socket.terminate();
    }
  }
  return { callId, events: events() };
};

export const WIRES: Readonly<Record<Format, Wire>> = { sse, ndjson, websocket };
