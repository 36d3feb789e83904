/** The options of every call, whatever its transport and its runner. */
import { option, type Rule, type ValuesOf } from '../config/option.ts';
import { LARGEST_TEXT, onOff, optionalPath, seconds, size, wholeNumber } from '../config/value-kind.ts';
import { readLimitRules } from './policy/limit-rules.ts';

export const dispatchOptions = {
  requestTimeoutMs: option({
    env: 'MCP_REQUEST_TIMEOUT',
    flag: '--request-timeout',
    kind: seconds(0.001),
    default: '60.0',
    summary: 'The longest a call may take, its wait in the queue included.',
    reason: 'What most MCP clients wait for.',
  }),
  maxResultBytes: option({
    env: 'MAX_RESULT_BYTES',
    flag: '--max-result-bytes',
    kind: size(1, LARGEST_TEXT),
    default: '8MiB',
    summary: 'The largest chunk, returned value and collected list; a stream as a whole has no limit.',
    reason: 'Larger data belongs in a stream.',
  }),
  drainTimeoutMs: option({
    env: 'DRAIN_TIMEOUT',
    flag: '--drain-timeout',
    kind: seconds(0),
    default: '25',
    summary: 'How long running calls may go on after SIGTERM or SIGINT.',
    reason: 'Ends before the 30 seconds after which process managers kill.',
  }),
  breaker: option({
    env: 'BREAKER',
    flag: '--breaker',
    kind: onOff(),
    default: 'on',
    summary: 'Whether a tool that keeps crashing, or never ends in time, is refused for a while.',
    reason: 'It takes threads from all the others; and it never happens to tools that work.',
  }),
  breakerFailures: option({
    env: 'BREAKER_FAILURES',
    flag: '--breaker-failures',
    kind: wholeNumber(1, 10_000, 'calls'),
    default: '5',
    summary:
      'So many failures within BREAKER_WINDOW open it: for the key whose calls they all were, else for everybody.',
    reason: 'Fewer may be chance.',
  }),
  breakerWindowMs: option({
    env: 'BREAKER_WINDOW',
    flag: '--breaker-window',
    kind: seconds(0.001),
    default: '10',
    summary: 'How long a failure counts.',
    reason: 'A crash an hour is no reason to refuse a tool.',
  }),
  breakerOpenMs: option({
    env: 'BREAKER_OPEN',
    flag: '--breaker-open',
    kind: seconds(0.001),
    default: '10',
    summary: 'How long the tool is refused before one call tries it again.',
    reason: 'What it depends on may be back by then.',
  }),
  retries: option({
    env: 'RETRIES',
    flag: '--retries',
    kind: wholeNumber(0, 10, 'retries'),
    default: '0',
    summary:
      'How often a call is run again whose thread crashed before its caller saw anything, of tools with `idempotentHint` or `readOnlyHint`.',
    reason: 'Clients retry too, and know more.',
  }),
  toolLimits: option({
    env: 'TOOL_LIMITS',
    flag: '--tool-limits',
    kind: optionalPath(),
    default: '',
    summary:
      'A JSON file of limits by tool: `concurrency`, `rate`, `cacheSeconds`, `timeoutMs`; read again when it changes.',
    reason: 'The limits of the tools themselves hold.',
  }),
};

export const dispatchRules: readonly Rule<ValuesOf<Pick<typeof dispatchOptions, 'toolLimits'>>>[] = [
  {
    about: ['toolLimits'],
    refusal: ({ toolLimits }) =>
      toolLimits === null ? undefined : readLimitRules(toolLimits).problems.join('\n  ') || undefined,
  },
];
