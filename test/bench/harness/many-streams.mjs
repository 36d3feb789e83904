/**
 * Shared by the workloads with many streams at once. Each contestant is checked first: one stream, every chunk in order;
 * and in each run, timed or not, all streams must have had all their chunks and their end.
 */
import { runLoad } from './run-load.mjs';

const MARKS = { mark: 'event: chunk', until: 'event: done' };

export async function checkStream(contestant, request, chunks) {
  const { counted } = await runLoad('stream-client', {
    ...request,
    port: contestant.port,
    until: MARKS.until,
    verify: '"index":(\\d+),',
  });
  if (counted !== chunks) throw new Error(`${counted} of ${chunks} chunks arrived`);
}

/**
 * @returns {perSecond, chunkCpuUs, wallMs, peakMebibytes, clientCores}: chunks a second of all streams together, the
 *          contestant's CPU time per chunk, and how many cores the client took: near 1, it is the client that is measured
 */
export async function loadStreams(contestant, request, { streams, chunks }) {
  const { answer, peakBytes } = await contestant.watchMemory(() =>
    runLoad('many-streams', {
      ...request,
      ...MARKS,
      port: contestant.port,
      server: contestant.pid,
      streams,
      chunks,
    }),
  );
  const all = streams * chunks;
  return {
    perSecond: all / (answer.ms / 1000),
    chunkCpuUs: (answer.cpuMs * 1000) / all,
    wallMs: answer.ms,
    peakMebibytes: peakBytes / 2 ** 20,
    clientCores: answer.clientCpuMs / answer.ms,
  };
}
