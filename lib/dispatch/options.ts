/** The options of every call, whatever its transport and its runner. */
import { option } from '../config/option.ts';
import { LARGEST_TEXT, seconds, size } from '../config/value-kind.ts';

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
};
