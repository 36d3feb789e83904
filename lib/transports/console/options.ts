/** The option of the console. */
import { option, type ValuesOf } from '../../config/option.ts';
import { onOff } from '../../config/value-kind.ts';

export const consoleOptions = {
  console: option({
    env: 'CONSOLE',
    flag: '--console',
    kind: onOff(),
    default: 'on',
    summary: 'Whether `GET /console/` serves the web console.',
    reason:
      'Its files hold no data and are read when they are first asked for; everything it shows needs a key.',
  }),
};

export type ConsoleOptions = ValuesOf<typeof consoleOptions>;
