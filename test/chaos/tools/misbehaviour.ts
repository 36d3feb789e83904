/**
 * What a misbehaving tool is here: a generator that gets a call's marks and context, and goes wrong in one way.
 *
 * M1. Whatever it sends carries the call's nonce, so that a frame in wrong hands is recognised there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ToolContext } from '../../../lib/tool/define-tool.ts';

export interface Marked {
  readonly nonce: string;
  /** How many chunks, reports or milliseconds, as each misbehaviour takes it. */
  readonly n: number;
}

export type Misbehaviour = (marked: Marked, context: ToolContext) => AsyncGenerator<unknown, unknown, void>;

/** Chunks as every misbehaviour yields them, counted from 0. */
export function* chunks({ nonce, n }: Marked, text = ''): Generator<object, void, void> {
  for (let at = 0; at < n; at++) yield text === '' ? { nonce, n: at } : { nonce, n: at, text };
}

/** One that yields its chunks, gives them time to leave, and then does what cannot be undone. */
export function afterChunks(act: (marked: Marked, context: ToolContext) => unknown): Misbehaviour {
  return async function* (marked, context) {
    yield* chunks(marked);
    await sleep(50);
    return act(marked, context);
  };
}

/** One that only does something. */
export function atOnce(act: (marked: Marked, context: ToolContext) => unknown): Misbehaviour {
  // biome-ignore lint/correctness/useYield: the others yield
  return async function* (marked, context) {
    return act(marked, context);
  };
}

export const forever = (): Promise<never> => new Promise(() => {});
