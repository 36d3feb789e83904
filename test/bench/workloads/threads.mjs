/** (p) Echo with more and more threads ready: threads that a load does not need should cost it nothing. */
import { delay } from '../harness/contestant.mjs';
import { nodeHttp, ours } from '../harness/contestants.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;
const READY_LIMIT_MS = 20_000;
const POLL_MS = 50;
/** Each thread compiles for itself, and sees only its share of the calls. */
const WARM_UP_PARTS = 3;

export const title = '(p) echo, 32 connections, with 2, 8 and 32 threads ready';
export const columns = ['perSecond', 'p99Ms', 'cpuUs', 'mebibytes'];
export const targets = [{ of: 'ours-32', than: 'ours', atLeast: 0.9 }];

/** The gateway answers as soon as its first thread can; the others still start then, and take the CPU from it. */
async function untilReady(contestant, threads) {
  const deadline = performance.now() + READY_LIMIT_MS;
  for (;;) {
    const { workers } = await (await fetch(`${contestant.url}/health`)).json();
    if (workers.alive === threads && workers.starting === 0) return;
    if (performance.now() > deadline)
      throw new Error(`${threads} threads are not ready: ${JSON.stringify(workers)}`);
    await delay(POLL_MS);
  }
}

export function run(plan) {
  const request = toolRequest('echo', { text: TEXT });
  const entry = (spec, before) =>
    httpEntry(spec, request, plan, {
      connections: CONNECTIONS,
      warmUpSeconds: plan.warmUpSeconds * WARM_UP_PARTS,
      before,
      after: (contestant) => ({ mebibytes: contestant.memoryBytes().resident / 2 ** 20 }),
    });
  const gateway = (threads, id) =>
    entry(
      ours(
        { MIN_WORKERS: String(threads), MAX_WORKERS: String(threads) },
        id,
        `this gateway, ${threads} threads`,
      ),
      (contestant) => untilReady(contestant, threads),
    );
  return runRounds([gateway(2, 'ours'), gateway(8, 'ours-8'), gateway(32, 'ours-32'), entry(nodeHttp)], plan);
}
