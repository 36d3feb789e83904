/** The options of the log. */
import { option } from '../config/option.ts';
import { oneOf } from '../config/value-kind.ts';

export const observeOptions = {
  logLevel: option({
    env: 'LOG_LEVEL',
    flag: '--log-level',
    kind: oneOf('DEBUG', 'INFO', 'WARNING', 'ERROR'),
    default: 'INFO',
    summary: 'The least grave record that is logged; the log goes to stderr.',
    reason: 'One line a call.',
  }),
};
