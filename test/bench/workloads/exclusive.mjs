/** (z) Echo of an exclusive tool, alone on its thread, by connections; the shared one beside it. */
import { expressPiscina, leanSubprocessPool, MANY_CALLS, ours } from '../harness/contestants.mjs';
import { curve } from '../harness/curve.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { TEXT, toolRequest } from '../harness/requests.mjs';
import { inShortTurns, runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = [8, 64, 1_000];
/** As many as this gateway starts under load. */
const THREADS = 8;

export const title = '(z) echo of an exclusive tool, by connections';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs', 'mainCpuUs'];
const ofShared = (connections) => ({
  of: `ours-${connections}`,
  than: `ours-shared-${connections}`,
  field: 'perSecond',
  atLeast: 0.6,
  text: `exclusive echo, ${connections} connections, of a shared one`,
});
export const targets = [ofShared(64), ofShared(1_000)];
export const plots = [
  {
    name: 'exclusive',
    title: 'Echo of a tool that is alone on its thread, by connections',
    x: { label: 'connections, each with one call in flight', log: true },
    y: { column: 'perSecond', label: 'calls a second' },
  },
];

export function run(given) {
  const plan = inShortTurns(given);
  // Two gateways: an exclusive tool makes the pool grow to its maximum, which the shared one never needs.
  const specs = [
    ours(MANY_CALLS, 'ours', 'this gateway, exclusive'),
    ours(MANY_CALLS, 'ours-shared', 'this gateway, shared'),
    { ...expressPiscina(THREADS), label: 'Piscina run behind Express, a task a thread' },
    leanSubprocessPool(2),
  ];
  const entries = curve(specs, CONNECTIONS, (spec, connections) =>
    httpEntry(spec, toolRequest(spec.id === 'ours' ? 'echo_exclusive' : 'echo', { text: TEXT }), plan, {
      connections,
    }),
  );
  return runRounds(entries, plan);
}
