/** (c) Echo over one WebSocket, 32 calls in flight. */
import { KEY, ours, plainWs } from '../harness/contestants.mjs';
import { TEXT } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';
import { runLoad } from '../harness/run-load.mjs';

const IN_FLIGHT = 32;

export const title = '(c) echo over one WebSocket, 32 in flight';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs'];

export function run(plan) {
  const entry = (spec) => ({
    spec,
    measure: async (contestant, _state, warmUp) => {
      const seconds = warmUp ? plan.warmUpSeconds : plan.seconds;
      const cpuBefore = contestant.cpuMs();
      const measured = await runLoad('ws-echo-client', {
        url: `ws://127.0.0.1:${contestant.port}/ws/tools/echo`,
        headers: { 'X-API-Key': KEY },
        inFlight: IN_FLIGHT,
        seconds,
        text: TEXT,
      });
      const cpuMs = contestant.cpuMs() - cpuBefore;
      return { ...measured, cpuUs: (cpuMs * 1000) / (measured.perSecond * seconds) };
    },
  });
  return runRounds([entry(ours({ SOCKET_CALLS: String(IN_FLIGHT) })), entry(plainWs)], plan);
}
