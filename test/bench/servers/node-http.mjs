/**
 * Contestant "bare node:http": the least code that can answer the workloads, in process, no checks at all.
 * Also the plain `res.write` loop for SSE and NDJSON (it respects back-pressure).
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { bigChunk, burn, PORT, paced, sleep, smallChunk, tokenChunk } from './work.mjs';

async function readJson(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return parts.length === 0 ? {} : JSON.parse(Buffer.concat(parts).toString());
}

function answer(response, value) {
  const text = JSON.stringify(value);
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

async function stream(response, type, frames) {
  response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-cache' });
  for (const frame of frames) if (!response.write(frame)) await once(response, 'drain');
  response.end();
}

const sseFrame = (index, data) =>
  `id: call.${index + 1}\nevent: chunk\ndata: ${JSON.stringify({ index, data })}\n\n`;
const SSE_END = 'event: done\ndata: {"status":"complete"}\n\n';

function* sse(count, chunk) {
  for (let index = 0; index < count; index += 1) yield sseFrame(index, chunk(index));
  yield SSE_END;
}

async function* tokens(args) {
  for await (const index of paced(args)) yield sseFrame(index, tokenChunk(index));
  yield SSE_END;
}

function* ndjson(count, chunk) {
  for (let index = 0; index < count; index += 1)
    yield `${JSON.stringify({ event: 'chunk', index, data: chunk(index) })}\n`;
  yield '{"event":"complete","status":"success"}\n';
}

const routes = {
  echo: async (args, response) => answer(response, { status: 'success', data: { text: args.text } }),
  wait: async (args, response) => {
    await sleep(args.delayMs);
    answer(response, { status: 'success', data: { text: 'waited' } });
  },
  burn: async (args, response) =>
    answer(response, { status: 'success', data: { state: burn(args.iterations) } }),
  chunks: (args, response) => stream(response, 'text/event-stream', sse(args.count, smallChunk)),
  lines: (args, response) => stream(response, 'application/x-ndjson', ndjson(args.count, smallChunk)),
  big: (args, response) => stream(response, 'text/event-stream', sse(args.count, bigChunk)),
  tokens: async (args, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    for await (const frame of tokens(args)) if (!response.write(frame)) await once(response, 'drain');
    response.end();
  },
  idle: async (_args, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('event: chunk\ndata: {"index":0,"data":{}}\n\n');
  },
};

createServer(async (request, response) => {
  if (request.url === '/health') return answer(response, { status: 'ok' });
  const body = await readJson(request);
  const route = routes[request.url.split('/')[2]];
  if (route === undefined) return response.writeHead(404).end();
  await route(body.arguments ?? {}, response);
}).listen(PORT, '127.0.0.1');
