/** (p) Echo with more and more threads ready: threads that a load does not need should cost it nothing. */
import { expressPiscina, leanSubprocessPool, nodeHttp, ours } from '../harness/contestants.mjs';
import { curve } from '../harness/curve.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { TEXT, toolRequest } from '../harness/requests.mjs';
import { inShortTurns, runRounds } from '../harness/rounds.mjs';
import { untilReady } from '../harness/until-ready.mjs';

const CONNECTIONS = 32;
const THREADS = [2, 8, 16, 32];
/** Where there is nothing to see: a line that is flat, and programs that two cores would spend a minute on starting. */
const LEFT_OUT = { 'node-http': [8, 16], 'express-piscina': [16], 'subprocesses-lean': [16, 32] };
/** Each thread compiles for itself, and sees only its share of the calls. */
const WARM_UP_PARTS = 3;

export const title = '(p) echo on 32 connections, by the threads that are ready';
export const columns = ['perSecond', 'p99Ms', 'cpuUs', 'mainCpuUs', 'mebibytes'];
export const targets = [
  { of: 'ours-32', than: 'ours-2', field: 'perSecond', atLeast: 0.9, text: 'echo, 32 threads ready, of 2' },
];
const x = { label: 'threads ready, or child processes', log: true };
export const plots = [
  {
    name: 'threads',
    title: 'Echo on 32 connections, by threads that are ready',
    x,
    y: { column: 'perSecond', label: 'calls a second' },
  },
  {
    name: 'threads-memory',
    title: 'What is resident, by threads that are ready',
    x,
    y: { column: 'mebibytes', label: 'MiB resident, all processes' },
  },
];

export function run(given) {
  const plan = inShortTurns(given);
  const echo = toolRequest('echo', { text: TEXT });
  const specs = {
    ours: (threads) => ours({ MIN_WORKERS: String(threads), MAX_WORKERS: String(threads) }),
    'express-piscina': (threads) => expressPiscina(threads),
    'subprocesses-lean': leanSubprocessPool,
    'node-http': () => nodeHttp,
  };
  const named = [
    ours(),
    expressPiscina(),
    { ...leanSubprocessPool(2), label: 'Express + stdio subprocesses' },
    nodeHttp,
  ];
  const entries = curve(named, THREADS, ({ id, label }, threads) => {
    if (LEFT_OUT[id]?.includes(threads)) return undefined;
    return httpEntry(specs[id](threads), echo, plan, {
      label,
      connections: CONNECTIONS,
      warmUpSeconds: id === 'ours' ? plan.warmUpSeconds * WARM_UP_PARTS : plan.warmUpSeconds,
      before: (contestant) => (id === 'ours' ? untilReady(contestant, threads) : undefined),
      after: (contestant) => ({ mebibytes: contestant.memoryBytes().resident / 2 ** 20 }),
    });
  });
  return runRounds(entries, plan);
}
