/** The options of the thread pool, and of what its tools find around them. */
import { option, type Rule, type ValuesOf } from '../../config/option.ts';
import { list, oneOf, onOff, seconds, size, text, wholeNumber } from '../../config/value-kind.ts';
import { userDataFolder } from './environment/user-data-folder.ts';
import { defaultMemoryLimit } from './memory/available-memory.ts';

const MAX_THREADS = 256;

export const threadsOptions = {
  minWorkers: option({
    env: 'MIN_WORKERS',
    flag: '--min-workers',
    kind: wholeNumber(1, MAX_THREADS, 'threads'),
    default: '2',
    summary: 'Threads kept ready.',
    reason: 'One busy thread does not delay the next call.',
  }),
  maxWorkers: option({
    env: 'MAX_WORKERS',
    flag: '--max-workers',
    kind: wholeNumber(1, MAX_THREADS, 'threads'),
    default: '8',
    summary: 'Threads at most, under load.',
    reason: 'Eight threads with their heaps fit a small machine.',
  }),
  callsPerWorker: option({
    env: 'CALLS_PER_WORKER',
    flag: '--calls-per-worker',
    kind: wholeNumber(1, 10_000, 'calls'),
    default: '128',
    summary: 'Calls that one thread runs at once, for tools that declare themselves `shared`.',
    reason: 'Such tools wait for I/O most of the time.',
  }),
  workerHeapMb: option({
    env: 'WORKER_HEAP_MB',
    flag: '--worker-heap-mb',
    kind: wholeNumber(32, 65_536, 'MiB'),
    default: '256',
    summary: 'Heap of one thread; a tool that needs more dies alone with `worker_out_of_memory`.',
    reason: 'Ample for a tool, and eight such threads leave memory to the gateway.',
  }),
  memoryLimitBytes: option({
    env: 'MEMORY_LIMIT',
    flag: '--memory-limit',
    kind: size(128 * 1024 ** 2, Number.MAX_SAFE_INTEGER),
    default: {
      words: "80 % of the machine's or container's memory",
      find: () => String(defaultMemoryLimit()),
    },
    summary:
      'Memory of the whole gateway; above it new calls are `overloaded` and the largest thread is replaced.',
    reason: 'The rest is for the system, and for what is taken between two looks.',
  }),
  queueLimit: option({
    env: 'QUEUE_LIMIT',
    flag: '--queue-limit',
    kind: wholeNumber(0, 1_000_000, 'calls'),
    default: '64',
    summary:
      'Calls that may wait for a thread; the next one is `overloaded`. Those that a thread which is starting will take do not count.',
    reason: 'A longer queue only answers later that there is no room.',
  }),
  queueWaitMs: option({
    env: 'QUEUE_WAIT',
    flag: '--queue-wait',
    kind: seconds(0.001),
    default: '10',
    summary: 'How long a call may wait for a thread before it is `overloaded`.',
    reason: 'A caller is better off trying elsewhere by then.',
  }),
  cancelGraceMs: option({
    env: 'CANCEL_GRACE',
    flag: '--cancel-grace',
    kind: seconds(0),
    default: '2',
    summary: 'How long a cancelled tool may take to stop before its thread is killed.',
    reason: 'Enough to roll back and close, short enough to get the thread back.',
  }),
  tools: option({
    env: 'TOOLS',
    flag: '--tools',
    kind: list(/^[^,]+$/, 'paths of tool modules or folders, separated by commas', 'path'),
    default: '',
    summary: 'Tool modules, or folders of them, separated by commas; the flag may be repeated.',
    reason: 'Without any, the built-in tools are there to try.',
  }),
  builtIns: option({
    env: 'BUILT_INS',
    flag: '--built-ins',
    kind: oneOf('auto', 'on', 'off'),
    default: 'auto',
    summary: 'Whether `journeys_tool` and `primes_tool` are there: `auto`, where no other tools are given.',
    reason: 'What you serve is what you named.',
  }),
  isolation: option({
    env: 'ISOLATION',
    flag: '--isolation',
    kind: oneOf('tool', 'process'),
    default: 'tool',
    summary:
      'Where tools run: each as it declares (`tool`), or all of them outside of the gateway, in child processes (`process`).',
    reason: 'Threads are faster; what they cannot contain is a native crash.',
  }),
  toolEnv: option({
    env: 'TOOL_ENV',
    flag: '--tool-env',
    kind: list(/^[A-Za-z_][A-Za-z0-9_]*$/, 'names of environment variables, separated by commas', 'names'),
    default: '',
    summary: 'Names of the environment variables that tools may read, separated by commas.',
    reason: 'Tools do not see your secrets unless you name them.',
  }),
  dataDir: option({
    env: 'DATA_DIR',
    flag: '--data-dir',
    kind: text(/^.+$/, 'the path of a folder', 'path'),
    default: { words: "the user's data folder", find: userDataFolder },
    summary: 'The folder of what the built-in tools keep.',
    reason: 'The same data whatever folder you start in, and for every MCP client.',
  }),
  journeysUrl: option({
    env: 'JOURNEYS_URL',
    kind: text(
      /^(?:postgres(?:ql)?:\/\/\S+)?$/,
      'an address such as postgres://user:password@host/database',
      'url',
    ),
    default: '',
    summary: 'The PostgreSQL where `journeys_tool` keeps its journeys, in place of a file in DATA_DIR.',
    reason: 'A file serves one machine; hosts of a fleet need a database that they share.',
    secret: true,
  }),
  reload: option({
    env: 'RELOAD',
    flag: '--reload',
    kind: onOff(),
    default: 'off',
    summary: 'Watches the tool modules and swaps the threads when one changes, without dropping a call.',
    reason: 'For development.',
  }),
};

export type ThreadsConfig = ValuesOf<typeof threadsOptions>;

export const threadsRules: readonly Rule<ThreadsConfig>[] = [
  {
    about: ['minWorkers', 'maxWorkers'],
    refusal: ({ minWorkers, maxWorkers }) =>
      minWorkers > maxWorkers
        ? `MIN_WORKERS (--min-workers) is ${minWorkers} and MAX_WORKERS (--max-workers) is ` +
          `${maxWorkers}; expected MIN_WORKERS to be at most MAX_WORKERS (threads)`
        : undefined,
  },
];
