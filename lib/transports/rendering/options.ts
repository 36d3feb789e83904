/** The options that all transports share. */
import { option } from '../../config/option.ts';
import { LARGEST_TEXT, seconds, size } from '../../config/value-kind.ts';

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
