/** (u) Small chunks to one client of grpc-js. */
import { bareGrpc, bareGrpcThread, KEY, oursGrpc, plainGrpc } from '../harness/contestants.mjs';
import { runRounds } from '../harness/rounds.mjs';
import { runLoad } from '../harness/run-load.mjs';

export const title = '(u) small chunks to one client of gRPC';
export const columns = ['perSecond', 'chunkCpuUs'];
/**
 * The tool is a generator on one thread, which costs 1 µs a chunk and more: it, and not gRPC, is what ends the rate. How
 * far it could go, and how far HTTP/2 and the client without any tool, say the two bare neighbours.
 */
export const targets = [
  { field: 'perSecond', atLeast: 1_000_000, text: 'chunks per second to one client, in batches' },
  { than: 'grpc-js', atLeast: 5 },
];

export function run(plan) {
  const entry = (spec, count, { lines = false, ...more } = {}) => ({
    spec,
    ...more,
    measure: async (contestant, _state, isWarmUp) => {
      const job = { port: contestant.port, key: KEY, count, lines };
      if (isWarmUp) for (let run = 1; run < 4; run += 1) await runLoad('grpc-client', job);
      const cpuBefore = contestant.cpuMs();
      const measured = await runLoad('grpc-client', job);
      return { ...measured, chunkCpuUs: ((contestant.cpuMs() - cpuBefore) * 1000) / count };
    },
  });
  const factor = plan.quick ? 0.25 : 1;
  const many = 2_000_000 * factor;
  return runRounds(
    [
      entry(oursGrpc, many, { lines: true }),
      entry(oursGrpc, many, { id: 'ours-list', label: 'this gateway, a list in each batch' }),
      entry(plainGrpc, 200_000 * factor),
      entry(bareGrpcThread, many, { lines: true }),
      entry(bareGrpc, many, { lines: true }),
    ],
    plan,
  );
}
