/** The options of what is kept of calls for readers who come back. */
import { option } from '../../config/option.ts';
import { seconds, size } from '../../config/value-kind.ts';

const GIB = 1024 ** 3;

export const historyOptions = {
  resumeTtlMs: option({
    env: 'RESUME_TTL',
    flag: '--resume-ttl',
    kind: seconds(0),
    default: '120',
    summary: "How long a call's events, and its idempotency key, are kept after its end.",
    reason: 'Longer than clients take to reconnect or retry.',
  }),
  resumeBytes: option({
    env: 'RESUME_BYTES',
    flag: '--resume-bytes',
    kind: size(64 * 1024, GIB),
    default: '1MiB',
    summary: 'How much of its newest events is kept of each call.',
    reason: 'More than what is under way to a client when its connection breaks.',
  }),
  resumeTotalBytes: option({
    env: 'RESUME_TOTAL_BYTES',
    flag: '--resume-total-bytes',
    kind: size(64 * 1024, 1024 * GIB),
    default: '64MiB',
    summary: 'How much is kept of all calls together; the oldest ended call goes first.',
    reason: 'A fraction of what the threads take.',
  }),
  detachMaxMs: option({
    env: 'DETACH_MAX',
    flag: '--detach-max',
    kind: seconds(0),
    default: '300',
    summary: 'The longest that a call with `detach` goes on without a reader.',
    reason: 'A call that nobody waits for takes a thread all the same.',
  }),
};
