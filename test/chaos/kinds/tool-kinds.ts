/** Faults that tools commit: each is one call, judged by its end. */
import { ALLOCATIONS } from '../tools/allocations.ts';
import { FAILURES } from '../tools/failures.ts';
import { LEFTOVERS } from '../tools/leftovers.ts';
import { OUTPUTS } from '../tools/outputs.ts';
import { POISONS } from '../tools/poisons.ts';
import { ALL, callTool, type Kind, STREAMS } from './kind.ts';

type Ends = readonly string[] | 'any';

/** How calls end, by the beginning of the misbehaviour's name; the longest one that fits counts. */
const ENDS: Readonly<Record<string, Ends>> = {
  throw: ['tool_failed'],
  'throw-tool-error': ['not_found'],
  'overflow-stack': ['tool_failed'],
  'abort-the-process': ['tool_failed'],
  'change-directory': ['tool_failed'],
  exit: ['worker_crashed'],
  'really-exit': ['worker_crashed'],
  'throw-uncaught': ['worker_crashed'],
  reject: ['worker_crashed'],
  'throw-after-the-end': ['success'],
  'reject-after-the-end': ['success'],
  'exit-after-the-end': ['success'],
  return: ['result_not_serializable'],
  // Already the `return` of the generator looks for a `then`, in the tool's own name.
  'return-proxy-that-throws': ['result_not_serializable', 'tool_failed'],
  'return-odd': ['success'],
  'return-too-large': ['result_too_large'],
  'yield-too-large': ['result_too_large'],
  'yield-bigint': ['result_not_serializable'],
  flood: ['success'],
};

function endsOf(how: string): Ends {
  const fitting = Object.keys(ENDS).filter((start) => how === start || how.startsWith(`${start}-`));
  const [longest = ''] = fitting.sort((a, b) => b.length - a.length);
  const ends = ENDS[longest];
  if (!ends) throw new Error(`nobody says how ${how} ends`);
  return ends;
}

const kindsOf = (
  table: object,
  group: Kind['group'],
  more: Partial<Kind>,
  ends: (how: string) => Ends,
): Kind[] =>
  Object.keys(table).map((how) => ({
    name: how,
    group,
    transports: ALL,
    ...more,
    play: (scene) =>
      scene.verdict.ofCall(callTool(scene, how, { judgesValues: group !== 'poison' }), ends(how)),
  }));

/** A thread whose heap is nearly full does little but collect it: on a busy machine its call's time is over first. */
const MEMORY_ENDS = ['worker_out_of_memory', 'result_too_large', 'deadline_exceeded'];

/** Those that harm nobody on the same thread, tried on a thread with neighbours. */
const NEIGHBOURLY = ['throw-null', 'throw-proxy', 'overflow-stack', 'return-bigint', 'return-too-large'];

const shared: Kind[] = NEIGHBOURLY.map((how) => ({
  name: `${how}-beside-others`,
  group: how.startsWith('return') ? 'outputs' : 'failures',
  transports: ALL,
  perRound: 3,
  play: (scene) => scene.verdict.ofCall(callTool(scene, how, { tool: 'chaos_shared' }), endsOf(how)),
}));

/** Mid-stream, every chunk that left before the end arrives. */
const exact: Kind[] = ['exit-mid-stream', 'throw-error', 'throw-uncaught'].map((how) => ({
  name: `${how}-exactly`,
  group: 'failures',
  transports: STREAMS,
  perRound: 3,
  async play(scene) {
    const n = scene.random.int(1, 40);
    const call = callTool(scene, how, { n });
    await scene.verdict.ofCall(call, endsOf(how));
    const { chunks, ending = '' } = call.log;
    const [expected] = endsOf(how);
    if (ending === expected && chunks !== n)
      scene.verdict.find('wrong value', `${chunks} chunks came of ${n} that were sent before the end`);
  },
}));

/** How many chunks a flood that succeeds has sent. */
const FLOODS: Readonly<Record<string, number>> = {
  'flood-chunks': 3000,
  'flood-large-chunks': 48,
  'flood-everything': 1500,
};

const floods: Kind[] = Object.entries(FLOODS).map(([how, n]) => ({
  name: `${how}-completely`,
  group: 'outputs',
  transports: STREAMS,
  perRound: 3,
  async play(scene) {
    const call = callTool(scene, how, { n });
    await scene.verdict.ofCall(call, ['success']);
    if (call.log.ending === 'success' && call.log.chunks !== n)
      scene.verdict.find('wrong value', `${call.log.chunks} chunks came of ${n}`);
  },
}));

export const TOOL_KINDS: readonly Kind[] = [
  ...kindsOf(FAILURES, 'failures', {}, endsOf),
  ...kindsOf(OUTPUTS, 'outputs', { perRound: 4 }, endsOf),
  ...kindsOf(ALLOCATIONS, 'memory', { perRound: 2, isHeavy: true }, () => MEMORY_ENDS),
  ...kindsOf(POISONS, 'poison', { perRound: 2, isPoison: true }, () => 'any'),
  ...kindsOf(LEFTOVERS, 'poison', { perRound: 2, isPoison: true }, () => 'any'),
  ...shared,
  ...exact,
  ...floods,
];
