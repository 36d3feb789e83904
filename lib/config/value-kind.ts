/**
 * The kinds of value an option can have: how its text is read, what is allowed, how it is written back.
 *
 * V1. `read` never throws: text that makes no sense becomes a value that `accepts` refuses, so that one place
 *     (load.ts) words every refusal, from `expected`.
 * V2. `write(read(text))` means the same as `text`: --print-config prints what can be pasted back.
 * V3. Units live here: options are written in seconds and sizes, the program sees milliseconds and bytes.
 * V4. No schema library: the threads start when the options are read, and loading one takes longer than all that
 *     comes before.
 */

export interface ValueKind<T> {
  /** Whether the value is what it must be, whichever way it was given. */
  accepts(value: unknown): boolean;
  read(text: string): unknown;
  write(value: T): string;
  /** Ends the sentence "expected …". */
  readonly expected: string;
  /** The unit of the text, where it has one. */
  readonly unit?: string;
  /** Stands for the value in --help. */
  readonly placeholder: string;
  /** True: the flag may be repeated, and each use adds to the list. */
  readonly isList?: boolean;
  /** True: the flag alone, without a value, means on. */
  readonly isSwitch?: boolean;
}

/** A Node timer set to more than this fires at once. */
const MAX_TIMER_SECONDS = 2_147_483;

const isWholeNumber = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;

const hasForm = (value: unknown, form: RegExp): boolean => typeof value === 'string' && form.test(value);

const number = (text: string): number => (text.trim() === '' ? Number.NaN : Number(text));

export function wholeNumber(min: number, max: number, unit?: string): ValueKind<number> {
  return {
    accepts: (value) => isWholeNumber(value, min, max),
    read: number,
    write: String,
    expected: `a whole number from ${min} to ${max}`,
    ...(unit === undefined ? {} : { unit }),
    placeholder: 'n',
  };
}

/** Written in seconds, decimals allowed; the value is in whole milliseconds. */
export function seconds(min: number): ValueKind<number> {
  return {
    accepts: (value) => isWholeNumber(value, min * 1000, MAX_TIMER_SECONDS * 1000),
    read: (text) => Math.round(number(text) * 1000),
    write: (ms) => String(ms / 1000),
    expected: `a number from ${min} to ${MAX_TIMER_SECONDS}`,
    unit: 'seconds',
    placeholder: 'seconds',
  };
}

/** The most that is handled as one text, in bytes: V8's longest string is twice as long. */
export const LARGEST_TEXT = 256 * 1024 ** 2;

const SIZE_UNITS = { B: 1, KIB: 1024, MIB: 1024 ** 2, GIB: 1024 ** 3 } as const;

/** Written in bytes or as `64KiB`, `1MiB`, `0.5GiB`; the value is in bytes. */
export function size(min: number, max: number): ValueKind<number> {
  const write = (bytes: number): string => {
    if (bytes >= SIZE_UNITS.MIB && bytes % SIZE_UNITS.MIB === 0) return `${bytes / SIZE_UNITS.MIB}MiB`;
    if (bytes >= SIZE_UNITS.KIB && bytes % SIZE_UNITS.KIB === 0) return `${bytes / SIZE_UNITS.KIB}KiB`;
    return String(bytes);
  };
  return {
    accepts: (value) => isWholeNumber(value, min, max),
    read: (text) => {
      const [, amount, unit = 'B'] = /^\s*(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)?\s*$/i.exec(text) ?? [];
      if (amount === undefined) return Number.NaN;
      return Math.round(Number(amount) * SIZE_UNITS[unit.toUpperCase() as keyof typeof SIZE_UNITS]);
    },
    write,
    expected: `a size from ${write(min)} to ${write(max)}, as bytes or like 64KiB or 1MiB`,
    unit: 'bytes',
    placeholder: 'size',
  };
}

/** One of a few words, in any case. */
export function oneOf<const W extends string>(...words: readonly [W, ...W[]]): ValueKind<W> {
  return {
    accepts: (value) => words.some((word) => word === value),
    read: (text) => words.find((word) => word.toLowerCase() === text.trim().toLowerCase()) ?? text,
    write: (word) => word,
    expected: `one of ${words.join(', ')}`,
    placeholder: words.join('|'),
  };
}

const ON = ['on', 'true', 'yes', '1'];
const OFF = ['off', 'false', 'no', '0'];

export function onOff(): ValueKind<boolean> {
  return {
    accepts: (value) => typeof value === 'boolean',
    read: (text) => {
      const word = text.trim().toLowerCase();
      if (ON.includes(word)) return true;
      return OFF.includes(word) ? false : text;
    },
    write: (value) => (value ? 'on' : 'off'),
    expected: 'on or off',
    placeholder: 'on|off',
    isSwitch: true,
  };
}

/** Text of a given form. */
export function text(form: RegExp, expected: string, placeholder: string): ValueKind<string> {
  return {
    accepts: (value) => hasForm(value, form),
    read: (given) => given.trim(),
    write: (value) => value,
    expected,
    placeholder,
  };
}

/** A file or folder that may be left out: empty text and null mean none. */
export function optionalPath(): ValueKind<string | null> {
  return {
    accepts: (value) => value === null || (typeof value === 'string' && value !== ''),
    read: (given) => (given === '' ? null : given),
    write: (value) => value ?? '',
    expected: 'a path',
    placeholder: 'path',
  };
}

/** A port that may be left out: empty text and null mean none; 0 is any free port. */
export function optionalPort(): ValueKind<number | null> {
  return {
    accepts: (value) => value === null || isWholeNumber(value, 0, 65_535),
    read: (given) => (given.trim() === '' ? null : number(given)),
    write: (value) => (value === null ? '' : String(value)),
    expected: 'a whole number from 0 to 65535',
    placeholder: 'port',
  };
}

/** An http or https address, or empty text for none. */
export function optionalUrl(): ValueKind<string> {
  return text(/^(?:https?:\/\/[^\s"]+)?$/, 'an address such as https://issuer.example.com', 'url');
}

/** Items of a given form, separated by commas; spaces around them do not count. */
export function list(
  form: RegExp,
  expected: string,
  placeholder: string,
  atLeast = 0,
): ValueKind<readonly string[]> {
  return {
    accepts: (value) =>
      Array.isArray(value) && value.length >= atLeast && value.every((item) => hasForm(item, form)),
    read: (given) => (given.trim() === '' ? [] : given.split(',').map((item) => item.trim())),
    write: (items) => items.join(','),
    expected,
    placeholder,
    isList: true,
  };
}
