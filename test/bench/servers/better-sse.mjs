/** Contestant "better-sse push in process": one `session.push` per chunk, on node:http. */
import { createServer } from 'node:http';
import { createSession } from 'better-sse';
import { PORT, paced, smallChunk, tokenChunk } from './work.mjs';

createServer(async (request, response) => {
  if (request.url === '/health') return response.end('ok');
  const parts = [];
  for await (const part of request) parts.push(part);
  const args = JSON.parse(Buffer.concat(parts).toString()).arguments;
  const session = await createSession(request, response, { retry: null });
  if (request.url.includes('idle')) return session.push({ index: 0, data: {} }, 'chunk');
  const push = (index, data) => session.push({ index, data }, 'chunk', String(index));
  if (request.url.includes('tokens')) for await (const index of paced(args)) push(index, tokenChunk(index));
  else for (let index = 0; index < args.count; index += 1) push(index, smallChunk(index));
  session.push({ status: 'complete' }, 'done');
  response.end();
}).listen(PORT, '127.0.0.1');
