/** The option of the programs that may have a parent. */
import { option } from '../config/option.ts';
import { onOff } from '../config/value-kind.ts';

export const superviseOptions = {
  supervise: option({
    env: 'SUPERVISE',
    flag: '--supervise',
    kind: onOff(),
    default: 'off',
    summary:
      'Whether a small parent process starts `serve` or `stdio` anew when it dies, and keeps its socket or its client meanwhile.',
    reason: 'A service manager or a container does the same for HTTP.',
  }),
};
