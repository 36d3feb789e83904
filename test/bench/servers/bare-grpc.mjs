/**
 * Contestants "bare http2": a CallStream by node:http2 alone, which reads of its request no more than the count and knows
 * no keys, limits or events. Batches are messages as the gateway writes them for `chunk_lines`, 1024 chunks each. They are
 * made before (TOOL=none: what HTTP/2 and the client can do), or come from a thread that does nothing but iterate the
 * same generator and stringify (TOOL=thread: what such a tool can do). HTTP/1.1 on the same port answers the one question
 * of the start.
 */
import { createServer } from 'node:http';
import { performServerHandshake } from 'node:http2';
import { createServer as createSocketServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { PORT, smallChunk } from './work.mjs';

const BATCH = 1024;
/** Batches that a thread may be ahead, as the gateway's own threads. */
const AHEAD = 16;

const varint = (value) => (value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]);

/** A frame of gRPC with a CallEvent whose chunks are `lines`. */
function frame(index, lines) {
  const text = Buffer.from(lines, 'latin1');
  const inner = Buffer.from([8, ...varint(index), 0x22, ...varint(text.length)]);
  const outer = Buffer.from([0x22, ...varint(inner.length + text.length)]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(outer.length + inner.length + text.length, 1);
  return Buffer.concat([head, outer, inner, text]);
}

async function* generated(count) {
  for (let n = 0; n < count; n += 1) yield smallChunk(n);
}

/** In the thread: batches as text, never more than the credit ahead. */
function serveThread() {
  let credit = 0;
  let wake;
  parentPort.on('message', async ({ count, more }) => {
    credit += more;
    wake?.();
    if (count === undefined) return;
    let lines = '';
    let inBatch = 0;
    for await (const chunk of generated(count)) {
      const json = JSON.stringify(chunk);
      lines = inBatch === 0 ? json : `${lines}\n${json}`;
      inBatch += 1;
      if (inBatch < BATCH) continue;
      while (credit === 0) await new Promise((granted) => (wake = granted));
      credit -= 1;
      parentPort.postMessage(lines);
      lines = '';
      inBatch = 0;
    }
    if (inBatch > 0) parentPort.postMessage(lines);
    parentPort.postMessage(null);
  });
}

/** Texts of one stream, made by the thread. */
async function* fromThread(thread, count) {
  const texts = [];
  let wake;
  const receive = (text) => {
    texts.push(text);
    wake?.();
  };
  thread.on('message', receive);
  thread.postMessage({ count, more: AHEAD });
  for (;;) {
    while (texts.length === 0) await new Promise((came) => (wake = came));
    const text = texts.shift();
    if (text === null) break;
    yield text;
    thread.postMessage({ more: 1 });
  }
  thread.off('message', receive);
}

const ready = new Map();

/** Frames of one stream, made once for all of them. */
function* madeBefore(count) {
  if (!ready.has(count)) {
    const frames = [];
    for (let index = 0; index < count; index += BATCH) {
      const length = Math.min(BATCH, count - index);
      const chunks = Array.from({ length }, (_, at) => JSON.stringify(smallChunk(index + at)));
      frames.push(frame(index, chunks.join('\n')));
    }
    ready.set(count, frames);
  }
  yield* ready.get(count);
}

function serve() {
  const thread = process.env.TOOL === 'thread' && new Worker(fileURLToPath(import.meta.url));
  async function* frames(count) {
    let index = 0;
    for await (const lines of fromThread(thread, count)) {
      yield frame(index, lines);
      index += BATCH;
    }
  }
  const answer = async (stream, count) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    for await (const bytes of thread ? frames(count) : madeBefore(count))
      if (!stream.write(bytes)) await new Promise((drained) => stream.once('drain', drained));
    stream.end();
  };
  const http = createServer((_request, response) => response.end('ok'));
  createSocketServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (bytes) => {
      socket.pause();
      socket.unshift(bytes);
      if (bytes.toString('latin1', 0, 3) !== 'PRI') {
        http.emit('connection', socket);
        socket.resume();
        return;
      }
      const session = performServerHandshake(socket);
      session.on('error', () => {});
      session.on('stream', (stream) => {
        stream.on('error', () => {});
        stream.once('data', (request) => {
          const [, count] = /"count":(\d+)/.exec(request.toString('latin1'));
          void answer(stream, Number(count));
        });
      });
    });
  }).listen(PORT, '127.0.0.1');
}

if (isMainThread) serve();
else serveThread();
