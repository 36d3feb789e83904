/** The options of WebSockets. */
import { option } from '../../config/option.ts';
import { wholeNumber } from '../../config/value-kind.ts';

export const websocketOptions = {
  socketCalls: option({
    env: 'SOCKET_CALLS',
    flag: '--socket-calls',
    kind: wholeNumber(1, 10_000, 'calls'),
    default: '8',
    summary: 'Calls at once on one WebSocket; the next one is `overloaded`.',
    reason: 'One socket cannot take every thread.',
  }),
};
