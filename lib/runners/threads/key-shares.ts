/**
 * How much of the threads each API key's calls hold: a whole thread for an exclusive call, its part of one for a shared
 * call. A key that holds nothing is not kept.
 */
import type { Queued } from '../../async/admission-queue.ts';

export class KeyShares {
  readonly #callsPerThread: number;
  /** In parts of a thread, so that adding and taking off leaves no rest. */
  readonly #parts = new Map<string, number>();

  constructor(callsPerThread: number) {
    this.#callsPerThread = callsPerThread;
  }

  readonly of = (keyId: string): number => this.#parts.get(keyId) ?? 0;

  take(call: Queued): void {
    this.#change(call, 1);
  }

  giveBack(call: Queued): void {
    this.#change(call, -1);
  }

  #change({ isExclusive, request }: Queued, sign: 1 | -1): void {
    const { keyId } = request.caller;
    const parts = this.of(keyId) + sign * (isExclusive ? this.#callsPerThread : 1);
    if (parts > 0) this.#parts.set(keyId, parts);
    else this.#parts.delete(keyId);
  }
}
