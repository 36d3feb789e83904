/** (g) Four clients, each calling a tool that burns a fixed number of iterations; /health is asked all the while. */
import { availableParallelism } from 'node:os';
import { burnRequest, startCall, timeCall } from '../harness/call.mjs';
import { delay } from '../harness/contestant.mjs';
import { ours, plainExpress, subprocessPool } from '../harness/contestants.mjs';
import { median, runRounds } from '../harness/rounds.mjs';

const CLIENTS = 4;
const ALONE_MS = 500;
const HEALTH_EVERY_MS = 5;
const health = { method: 'GET', path: '/health' };

export const title = '(g) 4 clients, a tool that burns about 500 ms alone; /health meanwhile';
export const columns = ['wallMs', 'wallOverIdeal', 'healthP50Ms', 'healthP99Ms'];
export const lessIsBetter = true;
export const targets = [
  { field: 'wallOverIdeal', atMost: 1.1, text: 'wall ÷ (work ÷ cores)' },
  { field: 'healthP99Ms', atMost: 25, text: '/health p99 ms' },
];

export function run(plan) {
  const request = burnRequest(plan.quick ? ALONE_MS / 2 : ALONE_MS);
  const entry = (spec) => ({
    spec,
    prepare: async (contestant) => {
      for (let n = 0; n < 2; n += 1)
        await Promise.all(Array.from({ length: CLIENTS }, () => timeCall(contestant, request)));
    },
    measure: async (contestant) => {
      const aloneMs = Math.min(await timeCall(contestant, request), await timeCall(contestant, request));
      const latencies = [];
      let burning = true;
      const startedAt = performance.now();
      const work = Promise.all(Array.from({ length: CLIENTS }, () => timeCall(contestant, request))).finally(
        () => {
          burning = false;
        },
      );
      const probe = (async () => {
        while (burning) {
          await delay(HEALTH_EVERY_MS);
          const askedAt = performance.now();
          await startCall(contestant, health).promise;
          latencies.push(performance.now() - askedAt);
        }
      })();
      await work;
      const wallMs = performance.now() - startedAt;
      await probe;
      latencies.sort((a, b) => a - b);
      return {
        wallMs,
        wallOverIdeal: wallMs / ((CLIENTS * aloneMs) / Math.min(CLIENTS, availableParallelism())),
        healthP50Ms: median(latencies),
        healthP99Ms: latencies[Math.ceil(latencies.length * 0.99) - 1],
      };
    },
  });
  return runRounds([entry(ours()), entry(plainExpress), entry(subprocessPool(CLIENTS))], plan);
}
