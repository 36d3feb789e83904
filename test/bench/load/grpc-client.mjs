/**
 * A client of grpc-js with the types of its loader: echo calls, a fixed number in flight for a fixed time, or one stream of
 * chunks, each of which is counted. One JSON job in argv, one JSON answer on stdout.
 * Job: {port, key, inFlight, seconds, text} or {port, key, count, lines}: whether it asks for its chunks as lines.
 */
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const job = JSON.parse(process.argv[2]);
const proto = fileURLToPath(new URL('../../../lib/transports/grpc/mcp_gateway.proto', import.meta.url));
const { mcp } = loadPackageDefinition(
  loadSync(proto, { keepCase: true, longs: Number, defaults: true, oneofs: true }),
);
const client = new mcp.gateway.v1.McpGateway(`127.0.0.1:${job.port}`, credentials.createInsecure());
const metadata = new Metadata();
metadata.set('x-api-key', job.key);

async function stream() {
  const request = {
    tool: 'chunks',
    arguments: JSON.stringify({ count: job.count }),
    result: 'none',
    chunk_lines: job.lines,
  };
  const startedAt = performance.now();
  let next = 0;
  for await (const { chunks } of client.CallStream(request, metadata)) {
    if (!chunks) continue;
    if (chunks.index !== next) throw new Error(`chunk ${chunks.index} came for ${next}`);
    next += (job.lines ? chunks.lines.split('\n') : chunks.json).length;
  }
  if (next !== job.count) throw new Error(`${next} of ${job.count} chunks arrived`);
  return { perSecond: job.count / ((performance.now() - startedAt) / 1000) };
}

async function echo() {
  const latencies = [];
  const json = JSON.stringify({ text: job.text });
  const request = { tool: 'echo', arguments: json };
  const until = performance.now() + job.seconds * 1000;
  const startedAt = performance.now();
  const ask = () =>
    new Promise((resolve, reject) =>
      client.Call(request, metadata, (error, answer) => {
        if (error || answer.json !== json) reject(error ?? new Error(`wrong answer: ${answer.json}`));
        else resolve();
      }),
    );
  const caller = async () => {
    while (performance.now() < until) {
      const sentAt = performance.now();
      await ask();
      latencies.push(performance.now() - sentAt);
    }
  };
  await Promise.all(Array.from({ length: job.inFlight }, caller));
  const elapsedMs = performance.now() - startedAt;
  latencies.sort((a, b) => a - b);
  const at = (part) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))];
  return { perSecond: latencies.length / (elapsedMs / 1000), p50Ms: at(0.5), p99Ms: at(0.99) };
}

process.stdout.write(JSON.stringify(await (job.count === undefined ? echo() : stream())));
client.close();
