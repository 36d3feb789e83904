/**
 * Contestant "Express 5 in process": the usual application, `express.json()` and `res.json()`, tools called directly.
 */
import { once } from 'node:events';
import express from 'express';
import { burn, PORT, paced, sleep, smallChunk, tokenChunk } from './work.mjs';

const app = express();
app.use(express.json({ limit: '1mb' }));
app.get('/health', (_request, response) => response.json({ status: 'ok' }));
app.post('/tools/echo', (request, response) => {
  response.json({ status: 'success', data: { text: request.body.arguments.text } });
});
app.post('/tools/wait', async (request, response) => {
  await sleep(request.body.arguments.delayMs);
  response.json({ status: 'success', data: { text: 'waited' } });
});
app.post('/tools/burn', (request, response) => {
  response.json({ status: 'success', data: { state: burn(request.body.arguments.iterations) } });
});

const frameOf = (index, data) =>
  `id: call.${index + 1}\nevent: chunk\ndata: ${JSON.stringify({ index, data })}\n\n`;

async function stream(response, frames) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  for await (const frame of frames) if (!response.write(frame)) await once(response, 'drain');
  response.end('event: done\ndata: {"status":"complete"}\n\n');
}
app.post('/tools/chunks', (request, response) => {
  const { count } = request.body.arguments;
  return stream(
    response,
    (function* frames() {
      for (let index = 0; index < count; index += 1) yield frameOf(index, smallChunk(index));
    })(),
  );
});
app.post('/tools/tokens', (request, response) =>
  stream(
    response,
    (async function* frames() {
      for await (const index of paced(request.body.arguments)) yield frameOf(index, tokenChunk(index));
    })(),
  ),
);
app.listen(PORT, '127.0.0.1');
