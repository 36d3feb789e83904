/**
 * Echo calls over one WebSocket, a fixed number in flight, for a fixed time. One JSON job in argv, one JSON answer on
 * stdout. Job: {url, headers, inFlight, seconds, text}.
 */
import { WebSocket } from 'ws';

const job = JSON.parse(process.argv[2]);
const socket = new WebSocket(job.url, { headers: job.headers, perMessageDeflate: false });
await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));

const sentAt = new Map();
const latencies = [];
let next = 1;
let stopping = false;
let finish;
const finished = new Promise((resolve) => {
  finish = resolve;
});

const args = JSON.stringify({ text: job.text });
function call() {
  const id = next++;
  sentAt.set(id, performance.now());
  socket.send(`{"id":${id},"arguments":${args}}`);
}

socket.on('message', (data) => {
  const text = data.toString();
  if (!text.includes('"event":"complete"')) {
    if (text.includes('"event":"error"')) throw new Error(text);
    return;
  }
  const { id, status, data: value } = JSON.parse(text);
  if (status !== 'success' || value.text !== job.text) throw new Error(`wrong answer: ${text}`);
  latencies.push(performance.now() - sentAt.get(id));
  sentAt.delete(id);
  if (!stopping) call();
  else if (sentAt.size === 0) finish();
});

const startedAt = performance.now();
for (let n = 0; n < job.inFlight; n += 1) call();
setTimeout(() => {
  stopping = true;
}, job.seconds * 1000);
await finished;
const elapsedMs = performance.now() - startedAt;
latencies.sort((a, b) => a - b);
const at = (part) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))];
process.stdout.write(
  JSON.stringify({ perSecond: latencies.length / (elapsedMs / 1000), p50Ms: at(0.5), p99Ms: at(0.99) }),
);
socket.terminate();
