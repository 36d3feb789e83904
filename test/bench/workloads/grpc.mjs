/** (u) Echo over gRPC, 32 calls in flight on one connection of grpc-js. */
import { KEY, oursGrpc, plainGrpc } from '../harness/contestants.mjs';
import { TEXT } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';
import { runLoad } from '../harness/run-load.mjs';

export const title = '(u) echo over gRPC, 32 in flight';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs'];
export const targets = [{ than: 'grpc-js', atLeast: 0.7 }];

export function run(plan) {
  const entry = (spec) => ({
    spec,
    measure: async (contestant, _state, warmUp) => {
      const seconds = warmUp ? plan.warmUpSeconds : plan.seconds;
      const cpuBefore = contestant.cpuMs();
      const job = { port: contestant.port, key: KEY, inFlight: 32, seconds, text: TEXT };
      const measured = await runLoad('grpc-client', job);
      const cpuMs = contestant.cpuMs() - cpuBefore;
      return { ...measured, cpuUs: (cpuMs * 1000) / (measured.perSecond * seconds) };
    },
  });
  return runRounds([entry(oursGrpc), entry(plainGrpc)], plan);
}
