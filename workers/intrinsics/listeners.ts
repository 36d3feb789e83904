/**
 * Who listens to the thread's `process`: our own handlers of stray errors first of all.
 *
 * L1. Nobody who listened when the tool modules had loaded may be gone, and nobody new may hear of stray errors, which
 *     are for us alone.
 */
import { isArray, ownKeys } from './captured.ts';
import { mayListenTo } from './harmless.ts';

type Listeners = Readonly<Record<PropertyKey, unknown>>;

/** What EventEmitter keeps them in: a function, or an array where there are several. */
const listenersNow = (): Listeners => (process as unknown as { readonly _events: Listeners })._events;

const { hasUncaughtExceptionCaptureCallback } = process;

export class ListenersNorm {
  readonly #events: readonly PropertyKey[] = ownKeys(listenersNow());
  readonly #listeners: readonly unknown[][] = this.#events.map((event) => listOf(listenersNow()[event]));

  /** @returns the event of a listener that is gone, or came and may not, else null. */
  changed(): PropertyKey | null {
    if (hasUncaughtExceptionCaptureCallback()) return 'uncaughtException';
    const now = listenersNow();
    for (let at = 0; at < this.#events.length; at++) {
      const event = this.#events[at] as PropertyKey;
      if (!includesAll(now[event], this.#listeners[at] as unknown[], mayListenTo(event))) return event;
    }
    const events = ownKeys(now);
    if (events.length === this.#events.length) return null;
    for (let at = 0; at < events.length; at++) {
      const event = events[at] as PropertyKey;
      if (!mayListenTo(event) && !isIn(this.#events, event) && now[event] !== undefined) return event;
    }
    return null;
  }
}

function listOf(value: unknown): unknown[] {
  if (value === undefined) return [];
  return isArray(value) ? [...(value as unknown[])] : [value];
}

function includesAll(now: unknown, norm: readonly unknown[], mayBeMore: boolean): boolean {
  const count = now === undefined ? 0 : isArray(now) ? (now as unknown[]).length : 1;
  if (count < norm.length || (count > norm.length && !mayBeMore)) return false;
  for (let at = 0; at < norm.length; at++)
    if (isArray(now) ? !isIn(now as unknown[], norm[at]) : now !== norm[at]) return false;
  return true;
}

function isIn(list: readonly unknown[], value: unknown): boolean {
  for (let at = 0; at < list.length; at++) if (list[at] === value) return true;
  return false;
}
