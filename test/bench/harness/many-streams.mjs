/**
 * Shared by the workloads with many streams at once. Each contestant is checked first: one stream, every chunk in order;
 * and in each run, timed or not, all streams must have had as many bytes as that one, and their end.
 */
import { ID_MARK, mcp2025Request, streamRequest, toolRequest } from './requests.mjs';
import { runLoad } from './run-load.mjs';

const indexed = { until: 'event: done', verify: '"index":(\\d+),' };
const overMcp = (contestant, tool, args) =>
  mcp2025Request(contestant, tool, args, { _meta: { progressToken: 'p' } });

/** How a contestant is asked for a stream, how its end looks, and its chunks. */
const kinds = {
  ours: { ...indexed, makeRequest: async (_contestant, tool, args) => streamRequest(tool, args) },
  plain: { ...indexed, makeRequest: async (_contestant, tool, args) => toolRequest(tool, args) },
  'better-sse': {
    ...indexed,
    until: 'event:done',
    makeRequest: async (_contestant, tool, args) => toolRequest(tool, args),
  },
  'sdk-v1-stateful': { until: '"result":', verify: '"n":(\\d+),"text"', makeRequest: overMcp },
  'fastmcp-stateful': { until: '"result":', verify: 'n\\\\":(\\d+),', makeRequest: overMcp },
};

const kindOf = ({ id }) => kinds[id.startsWith('ours') ? 'ours' : id] ?? kinds.plain;

/** What `loadStreams` needs for a contestant, but for what a stream carries: that is not checked. */
async function requestStreams(contestant, tool, args) {
  const { until, makeRequest } = kindOf(contestant.spec);
  const request = await makeRequest(contestant, tool, args);
  return { ...request, idMark: ID_MARK, until, leastBytes: 0, chunks: args.count };
}

/** The same when one stream was checked: every chunk, in order; how many bytes that takes is what all must have. */
async function checkedStreams(contestant, tool, args) {
  const job = await requestStreams(contestant, tool, args);
  const { counted, payloadBytes } = await runLoad('stream-client', {
    ...job,
    body: job.body.replace(ID_MARK, '10000000'),
    port: contestant.port,
    verify: kindOf(contestant.spec).verify,
  });
  if (counted !== args.count) throw new Error(`${counted} of ${args.count} chunks arrived`);
  return { ...job, leastBytes: payloadBytes };
}

/**
 * @param job what `checkedStreams` gave
 * @returns {perSecond, chunkCpuUs, chunkMainCpuUs, wallMs, peakMebibytes, clientCores}: chunks a second of all streams together, the
 *          contestant's CPU time per chunk, and how many cores the client took: near 1, it is the client that is measured
 */
export async function loadStreams(contestant, { chunks, ...job }, streams) {
  const { answer, peakBytes } = await contestant.watchMemory(() =>
    runLoad('many-streams', { ...job, port: contestant.port, server: contestant.pid, streams }),
  );
  const all = streams * chunks;
  return {
    perSecond: all / (answer.ms / 1000),
    chunkCpuUs: (answer.cpuMs * 1000) / all,
    chunkMainCpuUs: (answer.mainCpuMs * 1000) / all,
    wallMs: answer.ms,
    peakMebibytes: peakBytes / 2 ** 20,
    clientCores: answer.clientCpuMs / answer.ms,
  };
}

/** A run that costs so much of the one before it, or more, found everything compiled. */
const STEADY = 0.95;
const MOST_WARM_UPS = 6;

/**
 * Runs until that gets no cheaper: what runs on many threads is compiled once in each, and each has a part of the streams.
 * Between two timed runs of one contestant all others have theirs, and threads that rest so long end.
 */
async function warmUpFully(contestant, job, streams) {
  let before = Number.POSITIVE_INFINITY;
  for (let run = 0; run < MOST_WARM_UPS; run += 1) {
    const { chunkCpuUs } = await loadStreams(contestant, job, streams);
    if (chunkCpuUs >= STEADY * before) return;
    before = chunkCpuUs;
  }
}

/**
 * An entry for `runRounds`: so many streams at once of a tool with these arguments, each timed run right behind those that
 * warm up, with arguments of their own.
 * @param isRested the timed run is to find what the rest has left.
 */
export const streamsEntry = (spec, streams, tool, args, warmUpArgs, isRested = false) => ({
  spec,
  prepare: async (contestant) => ({
    timed: await checkedStreams(contestant, tool, args),
    warmUp: await requestStreams(contestant, tool, warmUpArgs),
  }),
  measure: async (contestant, { timed, warmUp }, isWarmUp) => {
    if (isWarmUp) return loadStreams(contestant, warmUp, streams);
    if (!isRested) await warmUpFully(contestant, warmUp, streams);
    return loadStreams(contestant, timed, streams);
  },
});
