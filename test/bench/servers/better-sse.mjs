/** Contestant "better-sse push in process": one `session.push` per chunk, on node:http. */
import { createServer } from 'node:http';
import { createSession } from 'better-sse';
import { PORT, smallChunk } from './work.mjs';

createServer(async (request, response) => {
  if (request.url === '/health') return response.end('ok');
  const parts = [];
  for await (const part of request) parts.push(part);
  const { count } = JSON.parse(Buffer.concat(parts).toString()).arguments;
  const session = await createSession(request, response, { retry: null });
  if (request.url.includes('idle')) return session.push({ index: 0, data: {} }, 'chunk');
  for (let index = 0; index < count; index += 1)
    session.push({ index, data: smallChunk(index) }, 'chunk', String(index));
  session.push({ status: 'complete' }, 'done');
  response.end();
}).listen(PORT, '127.0.0.1');
