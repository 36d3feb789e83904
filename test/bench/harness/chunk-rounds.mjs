/**
 * Shared by the chunk workloads: one untimed run that counts every chunk in order, some to warm up (a fifth of a
 * second of streaming is not enough for compilers), then timed ones.
 * A run takes less than a second, and so there are as many as of other loads of a second.
 * The SDK-style contestants get fewer chunks, since they are orders of magnitude slower; figures are per second.
 */
import { inShortTurns, runRounds } from './rounds.mjs';
import { runLoad } from './run-load.mjs';

export const CHUNKS = 200_000;
export const QUICK_CHUNKS = 50_000;
const WARM_UP_RUNS = 8;

/** @param entry {spec, id?, label?, job: async (contestant, count) → job without port, verify, count?} */
export function runChunkRounds(entries, plan) {
  return runRounds(
    entries.map(({ spec, id, label, job, count: own }) => {
      const count = own ?? (plan.quick ? QUICK_CHUNKS : CHUNKS);
      return {
        spec,
        id,
        label,
        prepare: async (contestant) => {
          const made = { ...(await job(contestant, count)), port: contestant.port };
          const { counted } = await runLoad('stream-client', made);
          if (counted !== count) throw new Error(`${counted} of ${count} chunks arrived`);
          return made;
        },
        measure: async (contestant, made, isWarmUp) => {
          const timed = { ...made, verify: undefined };
          if (isWarmUp) for (let run = 1; run < WARM_UP_RUNS; run += 1) await runLoad('stream-client', timed);
          const [cpuBefore, mainBefore] = [contestant.cpuMs(), contestant.mainCpuMs()];
          const { ms, bytes } = await runLoad('stream-client', timed);
          return {
            perSecond: count / (ms / 1000),
            mebibytesPerSecond: bytes / 2 ** 20 / (ms / 1000),
            chunkCpuUs: ((contestant.cpuMs() - cpuBefore) * 1000) / count,
            chunkMainCpuUs: ((contestant.mainCpuMs() - mainBefore) * 1000) / count,
          };
        },
      };
    }),
    inShortTurns(plan),
  );
}
