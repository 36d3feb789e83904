/**
 * The table of options, merged from the rooms that use them. `Config`, the flags, --help, --print-config and the
 * table in the documentation all come from it.
 *
 * O1. An option is declared once, in its room's `options.ts`; here is nothing but their order.
 * O2. Rules between options are in rules.ts; how values are found and refused is in load.ts.
 */
import { accessOptions } from '../access/options.ts';
import { historyOptions } from '../dispatch/history/options.ts';
import { dispatchOptions } from '../dispatch/options.ts';
import { fleetOptions } from '../fleet/options.ts';
import { observeOptions } from '../observe/options.ts';
import * as runnerKinds from '../runners/index.ts';
import { superviseOptions } from '../supervise/options.ts';
import { httpOptions } from '../transports/http/options.ts';
import * as transports from '../transports/index.ts';
import { renderingOptions } from '../transports/rendering/options.ts';
import type { Option, ValuesOf } from './option.ts';

export { PUBLISHED_API_KEY } from '../access/options.ts';

/** What all have, together: an option of any is one of the table. */
type Together<Each> = (Each extends unknown ? (each: Each) => void : never) extends (all: infer All) => void
  ? All
  : never;

/** The options of all entries of a list, where each is in a folder of its own. */
function together<Entry extends { readonly options: object }>(
  list: Readonly<Record<string, Entry>>,
): Together<Entry['options']> {
  return Object.assign({}, ...Object.values(list).map(({ options }) => options));
}

const OPTIONS = {
  ...httpOptions,
  ...accessOptions,
  ...dispatchOptions,
  ...historyOptions,
  ...renderingOptions,
  ...together(runnerKinds),
  ...together(transports),
  ...fleetOptions,
  ...observeOptions,
  ...superviseOptions,
};

export type OptionName = keyof typeof OPTIONS;

/**
 * Every setting of a gateway, one field an entry of the table above: what it does, its default and the reason for it
 * are there, in the README and in --help. Durations are whole milliseconds (`…Ms`), sizes bytes (`…Bytes`), whatever
 * the unit of their variable; lists are arrays.
 */
export type Config = ValuesOf<typeof OPTIONS>;

/** The table as a list, in the order of declaration. */
export const OPTION_LIST: readonly (readonly [OptionName, Option<unknown>])[] = Object.entries(
  OPTIONS,
) as unknown as readonly (readonly [OptionName, Option<unknown>])[];
