/**
 * (g) Four clients, each calling a tool that burns a fixed number of iterations.
 *
 * G1. First unobserved, for the wall time; then once more while /health is asked all the while: that client and its
 *     answers take some 15 % of two cores, which is no cost of the contestant's.
 * G2. `alone` is the contestant's own call on a machine that does nothing else, the best of some.
 * G3. Bare processes, one per core, that only burn, show what the machine itself allows: cores that share a clock, a
 *     cache or a host are slower together than alone.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { burnRequest, startCall, timeCall } from '../harness/call.mjs';
import { delay } from '../harness/contestant.mjs';
import { ours, plainExpress, subprocessPool } from '../harness/contestants.mjs';
import { median } from '../harness/medians.mjs';
import { runRounds } from '../harness/rounds.mjs';

const CLIENTS = 4;
const ALONE_MS = 500;
const ALONE_CALLS = 3;
const HEALTH_EVERY_MS = 5;
const CORES = Math.min(CLIENTS, availableParallelism());
const health = { method: 'GET', path: '/health' };
const bareBurn = fileURLToPath(new URL('../servers/bare-burn.mjs', import.meta.url));

export const title = '(g) 4 clients, a tool that burns about 500 ms alone; then again with /health meanwhile';
export const columns = ['wallMs', 'wallOverIdeal', 'askedOverIdeal', 'healthP50Ms', 'healthP99Ms'];
export const lessIsBetter = true;
export const targets = [
  { field: 'wallOverIdeal', atMost: 1.1, text: 'wall ÷ (work ÷ cores)' },
  { field: 'healthP99Ms', atMost: 25, text: '/health p99 ms' },
];

const times = (count, run) => Promise.all(Array.from({ length: count }, run));

async function timed(run) {
  const startedAt = performance.now();
  await run();
  return performance.now() - startedAt;
}

async function bestOf(count, run) {
  let best = Infinity;
  for (let n = 0; n < count; n += 1) best = Math.min(best, await timed(run));
  return best;
}

/** Asks /health until `work` has ended; gives each latency. */
async function askHealth(contestant, work) {
  const latencies = [];
  let isOver = false;
  work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await delay(HEALTH_EVERY_MS);
    latencies.push(await timed(() => startCall(contestant, health).promise));
  }
  return latencies.sort((a, b) => a - b);
}

async function measureTool(contestant, request) {
  const idealMs = (CLIENTS * (await bestOf(ALONE_CALLS, () => timeCall(contestant, request)))) / CORES;
  const burnAll = () => times(CLIENTS, () => timeCall(contestant, request));
  const wallMs = await timed(burnAll);
  let latencies = [];
  const askedMs = await timed(async () => {
    const work = burnAll();
    [latencies] = await Promise.all([askHealth(contestant, work), work]);
  });
  return {
    wallMs,
    wallOverIdeal: wallMs / idealMs,
    askedOverIdeal: askedMs / idealMs,
    healthP50Ms: median(latencies),
    healthP99Ms: latencies[Math.ceil(latencies.length * 0.99) - 1],
  };
}

/** The same work on bare processes. */
async function measureBare(iterations) {
  const processes = Array.from({ length: CORES }, () => fork(bareBurn));
  const burn = (child) =>
    new Promise((resolve) => {
      child.once('message', resolve);
      child.send(iterations);
    });
  try {
    await Promise.all(processes.map(burn));
    const aloneMs = await bestOf(ALONE_CALLS, () => burn(processes[0]));
    const wallMs = await timed(() =>
      Promise.all(
        processes.map(async (child, at) => {
          for (let n = at; n < CLIENTS; n += CORES) await burn(child);
        }),
      ),
    );
    return { wallMs, wallOverIdeal: wallMs / ((CLIENTS * aloneMs) / CORES) };
  } finally {
    for (const child of processes) child.kill();
  }
}

export function run(plan) {
  const request = burnRequest(plan.quick ? ALONE_MS / 2 : ALONE_MS);
  const { iterations } = JSON.parse(request.body).arguments;
  const entry = (spec) => ({
    spec,
    prepare: async (contestant) => {
      for (let n = 0; n < 2; n += 1) await times(CLIENTS, () => timeCall(contestant, request));
    },
    measure: (contestant) => measureTool(contestant, request),
  });
  const floor = {
    spec: { id: 'bare', label: 'bare processes, one per core, that only burn' },
    cold: true,
    measure: () => measureBare(iterations),
  };
  return runRounds([entry(ours()), entry(plainExpress), entry(subprocessPool(CLIENTS)), floor], plan);
}
