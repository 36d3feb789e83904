/**
 * Contestant "BullMQ": a job a call and its progress for chunks, told by QueueEvents, as frameworks queue their tools.
 * Server, worker and queue in one process, on the Redis of REDIS_URL.
 */
import { createServer } from 'node:http';
import { Queue, QueueEvents, Worker } from 'bullmq';
import { PORT, smallChunk } from './work.mjs';

const { hostname: host, port } = new URL(process.env.REDIS_URL);
const connection = { host, port: Number(port) };
const queue = new Queue('plain', { connection });
const events = new QueueEvents('plain', { connection });
const listeners = new Map();
events.on('progress', ({ jobId, data }) => listeners.get(jobId)?.(data));
new Worker(
  'plain',
  async (job) => {
    if (job.name === 'echo') return job.data;
    for (let n = 0; n < job.data.count; n += 1) await job.updateProgress({ index: n, data: smallChunk(n) });
    return null;
  },
  { connection, concurrency: 32 },
);
await events.waitUntilReady();

async function readJson(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}

let calls = 0;

createServer(async (request, response) => {
  const { arguments: args } = await readJson(request);
  const [, , name, how] = request.url.split('/');
  const jobId = `call-${++calls}`;
  const options = { jobId, removeOnComplete: { age: 60 } };
  if (how === 'stream') {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    listeners.set(jobId, (chunk) => response.write(`event: chunk\ndata: ${JSON.stringify(chunk)}\n\n`));
  }
  const job = await queue.add(name, args, options);
  const data = await job.waitUntilFinished(events);
  listeners.delete(jobId);
  if (how === 'stream') response.end('event: done\ndata: {"status":"complete"}\n\n');
  else response.end(JSON.stringify({ status: 'success', data }));
}).listen(PORT, '127.0.0.1');
