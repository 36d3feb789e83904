/**
 * Micro-benchmark of the frame path, without any socket: tool → worker batch → port → event iterator → rendered text.
 * It guards the path: below a loose floor it exits with 1. Run it after a change there: `node test/bench/frame-path.mjs`
 * (after `npm run build`). Not a part of `npm test`, since a busy machine is no defect.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';

/** All that this file knows of the tree: the only place to edit when one of these moves. */
const dist = new URL('../../dist/', import.meta.url);
const { WorkerPool } = await import(new URL('lib/runners/threads/worker-pool.js', dist));
const { SseEventWriter } = await import(new URL('lib/transports/sse/sse-events.js', dist));
const threadEntry = new URL('workers/piscina-entry.cjs', dist).href;

const CHUNKS = 200_000;
const CALLS = 10_000;
const IN_FLIGHT = 32;
const ROUNDS = 5;
const FLOORS = { 'chunks to an iterator': 600_000, 'chunks to SSE text': 600_000, 'echo calls': 20_000 };

const tools = fileURLToPath(new URL('tools/bench-tools.mjs', import.meta.url));
// The pool's ports do not keep a process alive; in the gateway the server does.
const keepAlive = setInterval(() => {}, 1_000);
const pool = await WorkerPool.start({
  entry: threadEntry,
  settings: { toolModules: [pathToFileURL(tools).href], logLevel: 'error', maxResultBytes: 8 * 1024 * 1024 },
  env: {},
  minThreads: 1,
  maxThreads: 1,
  callsPerThread: 128,
  heapMb: 256,
  queueLimit: 64,
  queueWaitMs: 10_000,
  cancelGraceMs: 2_000,
});

let calls = 0;
function call(name, args, streams) {
  calls += 1;
  const caller = { keyId: 'bench', transport: 'sse' };
  return pool.call({ name, arguments: args, caller, streams, repeatBytes: 0, callId: `call-${calls}` });
}

async function streamChunks(render) {
  let received = 0;
  for await (const event of call('chunks', { count: CHUNKS }, true)) {
    if (event.type === 'chunks') {
      received += event.items.length;
      render?.chunks(event);
    }
    if (event.type === 'error') throw event.error;
  }
  if (received !== CHUNKS) throw new Error(`${received} of ${CHUNKS} chunks arrived`);
  return CHUNKS;
}

async function echoCalls() {
  let left = CALLS;
  const client = async () => {
    while (left-- > 0) {
      const end = await call('echo', { text: 'hello' }, false).outcome();
      if (end.type === 'error') throw end.error;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, client));
  return CALLS;
}

/** Name → work; both threads' CPU time is told too, since it hardly depends on what else the machine does. */
const measured = {
  'chunks to an iterator': () => streamChunks(),
  'chunks to SSE text': () => streamChunks(new SseEventWriter('call')),
  'echo calls': echoCalls,
};

let isSlow = false;
const chosen = process.argv.slice(2);
for (const [name, work] of Object.entries(measured)) {
  if (chosen.length > 0 && !chosen.some((part) => name.includes(part))) continue;
  await work();
  let best = 0;
  let cpuUs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    const startedCpu = process.cpuUsage();
    const done = await work();
    const cpu = process.cpuUsage(startedCpu);
    best = Math.max(best, done / ((performance.now() - startedAt) / 1000));
    cpuUs = Math.min(cpuUs, (cpu.user + cpu.system) / done);
  }
  const verdict = best >= FLOORS[name] ? 'ok' : 'TOO SLOW';
  isSlow ||= best < FLOORS[name];
  const perSecond = Math.round(best).toLocaleString('en').padStart(10);
  console.log(
    `${name.padEnd(22)} ${perSecond}/s ${cpuUs.toFixed(2).padStart(6)} us CPU each (floor ${FLOORS[name]}/s) ${verdict}`,
  );
}
await pool.close();
clearInterval(keepAlive);
process.exitCode = isSlow ? 1 : 0;
