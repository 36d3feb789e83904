/**
 * (h) Memory per idle SSE stream: 1 000 streams that got one chunk and then nothing.
 *
 * Resident memory, read before and after, each time when every contestant has collected its garbage: without that the
 * figure tells when the collector ran last, and one contestant's differs by a factor of three from run to run.
 */
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { delay, startContestant } from '../harness/contestant.mjs';
import { betterSse, nodeHttp, ours } from '../harness/contestants.mjs';
import { streamRequest, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const STREAMS = 1_000;
/** Streams come and go first, so that the growth of the young heap, which happens once, is not charged to the 1 000. */
const WARM_UP_ROUNDS = 20;
const WARM_UP_STREAMS = 64;
const AT_ONCE = 50;
const SETTLE_MS = 500;
/** V8 gives memory back in steps over some 8 s of quiet; after so many collections, one each SETTLE_MS, nothing moves. */
const COLLECTIONS = 20;
const QUICK_COLLECTIONS = 4;
const OPEN_LIMIT_MS = 10_000;

export const title = '(h) memory of 1 000 idle SSE streams';
export const columns = ['kibibytesPerStream', 'idleMebibytes'];
export const lessIsBetter = true;
export const targets = [{ field: 'kibibytesPerStream', atMost: 25, text: 'KiB per idle stream' }];

function openStream(port, request) {
  const head = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const socket = connect(port, '127.0.0.1');
  socket.write(
    `POST ${request.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${request.body.length}\r\n${head.join('')}\r\n${request.body}`,
  );
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('a stream did not open')), OPEN_LIMIT_MS);
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (!/event: ?chunk/.test(text)) return;
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`a stream was closed: ${text.slice(0, 200)}`)));
  });
}

async function openStreams(port, request, count) {
  const sockets = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () =>
      openStream(port, request),
    );
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

const collector = fileURLToPath(new URL('../harness/collect-garbage.mjs', import.meta.url));

/** The contestant with our collector in it. */
const collecting = (spec) => ({
  ...spec,
  args: (port) => ['--expose-gc', '--import', collector, ...spec.args(port)],
});

async function heldBytes(contestant, collections) {
  for (let n = 0; n < collections; n += 1) {
    process.kill(contestant.pid, 'SIGUSR2');
    await delay(SETTLE_MS);
  }
  return contestant.memoryBytes().sharedOnce;
}

export function run(plan) {
  const collections = plan.quick ? QUICK_COLLECTIONS : COLLECTIONS;
  const entry = (spec, request, label) => ({
    spec,
    label,
    cold: true,
    measure: async (started) => {
      const contestant = await startContestant(collecting(started));
      try {
        for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
          const warmUp = await openStreams(contestant.port, request, WARM_UP_STREAMS);
          for (const socket of warmUp) socket.destroy();
        }
        await delay(SETTLE_MS);
        const idleBytes = await heldBytes(contestant, collections);
        const sockets = await openStreams(contestant.port, request, STREAMS);
        const grownBytes = (await heldBytes(contestant, collections)) - idleBytes;
        for (const socket of sockets) socket.destroy();
        return { kibibytesPerStream: grownBytes / 1024 / STREAMS, idleMebibytes: idleBytes / 2 ** 20 };
      } finally {
        await contestant.stop();
      }
    },
  });
  const gateway = ours({ MIN_WORKERS: '8', MAX_WORKERS: '8', CALLS_PER_WORKER: '128' });
  return runRounds(
    [
      entry(gateway, streamRequest('idle', {})),
      entry(nodeHttp, toolRequest('idle', {}), 'in process on node:http'),
      entry(betterSse, toolRequest('idle', {}), 'better-sse in process'),
    ],
    plan,
  );
}
