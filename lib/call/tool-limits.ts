/**
 * What a tool may be limited to: by its author, and by who runs the gateway, who has the last word.
 */

export interface ToolLimits {
  /** Calls that run at once, over all keys; the others wait. */
  readonly concurrency?: number;
  /** Calls a second of each key. */
  readonly rate?: number;
  /** Seconds for which an answer is good for equal calls; of tools with `readOnlyHint` alone. */
  readonly cacheSeconds?: number;
  /** Milliseconds that a call may take, the wait in the queue included; at most the gateway's own limit. */
  readonly timeoutMs?: number;
}

export type LimitName = keyof ToolLimits;

interface LimitForm {
  /** Ends the sentence "expected …". */
  readonly expected: string;
  accepts(value: unknown): boolean;
}

function number(least: number, most: number, isWhole: boolean): LimitForm {
  const kind = isWhole ? 'a whole number' : 'a number';
  return {
    expected: `${kind} from ${least} to ${most}`,
    accepts: (value) =>
      typeof value === 'number' && value >= least && value <= most && (!isWhole || Number.isInteger(value)),
  };
}

export const LIMITS: Readonly<Record<LimitName, LimitForm>> = {
  concurrency: number(1, 10_000, true),
  rate: number(1, 1_000_000, true),
  cacheSeconds: number(0.001, 604_800, false),
  timeoutMs: number(1, 2_147_483_647, true),
};

export const LIMIT_NAMES = Object.keys(LIMITS) as readonly LimitName[];

/** Why a tool's answers cannot be kept. */
export const NOT_READ_ONLY =
  'cacheSeconds is for tools that only read, whose annotations say readOnlyHint: true; a call that was answered from ' +
  'the cache would have done nothing';
