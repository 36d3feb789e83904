/**
 * Built-ins that V8 runs in one step, and that may make more in it than a heap holds: nothing can end them meanwhile, and
 * a list above 128 M elements ends the process whatever its limits are. Here they are made of many steps, between which
 * a thread that takes too much memory is found and ended; what has no steps is refused where it would be too much.
 *
 * M1. Only where what goes in is large enough for that; else, and in all that can be told, they are V8's own.
 * M2. In place before any tool loads, so that they belong to the norm of the thread.
 */
import { ToolError } from '../../lib/call/tool-error.ts';
import { getPrototypeOf, isArray, ownMethod, parse } from './captured.ts';
import { replaceMethod } from './replace-method.ts';

/** Below this many elements, or characters, one step does no harm. */
const ONE_STEP = 1 << 22;
/** Above some 134 million elements V8 ends the process, however large the heap may be. */
const LONGEST_LIST = 100_000_000;
/** The least that an element of a list takes. */
const ELEMENT_BYTES = 8;

const fill = ownMethod<(list: unknown[], value: unknown, start?: number, end?: number) => unknown[]>(
  Array.prototype.fill,
);
const split = ownMethod<(text: string, separator: unknown, limit?: number) => string[]>(
  String.prototype.split,
);
const match = ownMethod<(text: string, pattern: unknown) => string[] | null>(String.prototype.match);
type Replace = (text: string, pattern: unknown, by: unknown) => string;
const replaceText = ownMethod<Replace>(String.prototype.replace);
const replaceAll = ownMethod<Replace>(String.prototype.replaceAll);
const indexOf = ownMethod<(text: string, part: string, from: number) => number>(String.prototype.indexOf);
const exec = ownMethod<(pattern: RegExp, text: string) => RegExpExecArray | null>(RegExp.prototype.exec);
const push = ownMethod<(list: unknown[], value: unknown) => number>(Array.prototype.push);
const codeAt = ownMethod<(text: string, at: number) => number | undefined>(String.prototype.codePointAt);

const { max, min, trunc } = Math;
const toNumber = Number;
const { prototype: patterns } = RegExp;

/** Thrown instead of beginning what would need more heap than there is. */
class TooMuchAtOnce extends ToolError {
  readonly #isOurs = true;

  constructor() {
    super('worker_out_of_memory', 'the tool asked for more in one step than its heap holds (WORKER_HEAP_MB)');
  }

  static isOne(thrown: unknown): thrown is ToolError {
    return typeof thrown === 'object' && thrown !== null && #isOurs in thrown && thrown.#isOurs;
  }
}

/** Whether something was refused here, and so ends its call as it is. */
export const wasTooMuch: (thrown: unknown) => thrown is ToolError = TooMuchAtOnce.isOne;

/** @param heapMb WORKER_HEAP_MB. */
export function partLongSteps(heapMb: number): void {
  const mostElements = min((heapMb * 1024 * 1024) / ELEMENT_BYTES, LONGEST_LIST);

  replaceMethod(Array.prototype, 'fill', {
    fill(this: unknown[], value: unknown, start?: number, end?: number) {
      if (!isArray(this) || this.length < ONE_STEP) return fill(this, value, start, end);
      const { length } = this;
      const last = end === undefined ? length : placeOf(end, length);
      for (let at = placeOf(start, length); at < last; at += ONE_STEP)
        fill(this, value, at, min(at + ONE_STEP, last));
      return this;
    },
  });

  replaceMethod(String.prototype, 'split', {
    split(this: unknown, separator: unknown, limit?: number) {
      const mayBeMore = typeof this === 'string' && this.length > mostElements;
      if (!mayBeMore || (limit !== undefined && limit >>> 0 <= mostElements))
        return split(this as string, separator, limit);
      const parts = split(this, separator, mostElements + 1);
      if (parts.length > mostElements) throw new TooMuchAtOnce();
      return parts;
    },
  });

  replaceMethod(String.prototype, 'match', {
    match(this: unknown, pattern: unknown) {
      const isLong = typeof this === 'string' && this.length >= ONE_STEP;
      if (!isLong || !isPlainRegExp(pattern) || !pattern.global) return match(this as string, pattern);
      return matchInSteps(this, pattern, mostElements);
    },
  });

  for (const name of ['replace', 'replaceAll'] as const) {
    const own = name === 'replace' ? replaceText : replaceAll;
    replaceMethod(String.prototype, name, {
      [name](this: unknown, pattern: unknown, by: unknown) {
        const mayBeMore = typeof this === 'string' && this.length > mostElements && typeof by === 'function';
        if (mayBeMore && isPlainRegExp(pattern) && pattern.global && matchesMore(this, pattern, mostElements))
          throw new TooMuchAtOnce();
        return own(this as string, pattern, by);
      },
    });
  }

  replaceMethod(JSON, 'parse', {
    parse(text: unknown, reviver?: Parameters<typeof JSON.parse>[1]) {
      if (typeof text === 'string' && text.length > 2 * mostElements && countsMore(text, mostElements))
        throw new TooMuchAtOnce();
      return parse(text as string, reviver);
    },
  });
}

/** A relative index as built-ins take it. */
function placeOf(given: number | undefined, length: number): number {
  const at = trunc(toNumber(given)) || 0;
  return at < 0 ? max(0, length + at) : min(at, length);
}

/** Whether a pattern finds as V8's own do: one whose `exec` is somebody else's is left to V8. */
const isPlainRegExp = (pattern: unknown): pattern is RegExp =>
  typeof pattern === 'object' && pattern !== null && getPrototypeOf(pattern) === patterns;

function matchInSteps(text: string, pattern: RegExp, most: number): string[] | null {
  const found: string[] = [];
  pattern.lastIndex = 0;
  for (let one = exec(pattern, text); one !== null; one = exec(pattern, text)) {
    const whole = one[0];
    if (push(found, whole) > most) throw new TooMuchAtOnce();
    if (whole === '') pattern.lastIndex += widthAt(text, pattern);
  }
  return found.length === 0 ? null : found;
}

function matchesMore(text: string, pattern: RegExp, most: number): boolean {
  let count = 0;
  pattern.lastIndex = 0;
  for (let one = exec(pattern, text); one !== null && count <= most; one = exec(pattern, text)) {
    count++;
    if (one[0] === '') pattern.lastIndex += widthAt(text, pattern);
  }
  pattern.lastIndex = 0;
  return count > most;
}

/** How far an empty match moves on. */
function widthAt(text: string, { lastIndex, unicode, flags }: RegExp): number {
  const isByCodePoint = unicode || indexOf(flags, 'v', 0) >= 0;
  return isByCodePoint && (codeAt(text, lastIndex) ?? 0) > 0xffff ? 2 : 1;
}

/** Whether a text has more than `most` commas and brackets: each is an element, unless it is inside of a string. */
function countsMore(text: string, most: number): boolean {
  let count = 0;
  const isMore = (mark: string): boolean => {
    for (let at = indexOf(text, mark, 0); at >= 0; at = indexOf(text, mark, at + 1))
      if (++count > most) return true;
    return false;
  };
  return isMore(',') || isMore('[') || isMore('{');
}
