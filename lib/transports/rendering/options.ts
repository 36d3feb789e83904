/** The options that all transports, or several, share. */
import { option } from '../../config/option.ts';
import { LARGEST_TEXT, seconds, size, wholeNumber } from '../../config/value-kind.ts';

export const renderingOptions = {
  maxBodyBytes: option({
    env: 'MAX_BODY_BYTES',
    flag: '--max-body-bytes',
    kind: size(1, LARGEST_TEXT),
    default: '1MiB',
    summary: 'The largest request body and WebSocket message.',
    reason: 'Arguments are small; it bounds what one client can make us hold.',
  }),
  repeatBytes: option({
    env: 'REPEAT_BYTES',
    flag: '--repeat-bytes',
    kind: size(0, LARGEST_TEXT),
    default: '64KiB',
    summary: 'The longest list of chunks that the final result of a stream repeats.',
    reason: 'Common clients break on longer lines.',
  }),
  streamStallMs: option({
    env: 'STREAM_STALL',
    flag: '--stream-stall',
    kind: seconds(0.01),
    default: '30',
    summary: 'How long a reader may stand still before its stream is dropped as `slow_consumer`.',
    reason: 'Longer than any hiccup of a network, shorter than patience for a dead peer.',
  }),
};

/** For transports with several calls on one connection; each lists it among its own. */
export const socketCalls = option({
  env: 'SOCKET_CALLS',
  flag: '--socket-calls',
  kind: wholeNumber(1, 10_000, 'calls'),
  default: '8',
  summary: 'Calls at once on one WebSocket; the next one is `overloaded`.',
  reason: 'One socket cannot take every thread.',
});
