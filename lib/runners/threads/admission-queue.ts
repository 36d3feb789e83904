/**
 * Calls that wait for a thread: bounded, and fair between API keys.
 *
 * A1. The order is round robin over keys, first come first served within a key, so that one key's flood does not
 *     hold up another's single call.
 * A2. A call that comes back (its thread died before it ran) goes to the head of its key's line and is not bounded.
 */

export interface Queued {
  readonly isExclusive: boolean;
  readonly request: { readonly caller: { readonly keyId: string } };
}

export class AdmissionQueue<C extends Queued> {
  readonly limit: number;
  #size = 0;
  #exclusives = 0;
  #lines = new Map<string, C[]>();

  constructor(limit: number) {
    this.limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  /** Exclusive calls that wait; the others are shared. */
  get exclusives(): number {
    return this.#exclusives;
  }

  /** @returns false when the queue is full. */
  add(call: C): boolean {
    if (this.#size >= this.limit) return false;
    this.#lineOf(call).push(call);
    this.#count(call, 1);
    return true;
  }

  addFirst(call: C): void {
    this.#lineOf(call).unshift(call);
    this.#count(call, 1);
  }

  #count({ isExclusive }: C, change: 1 | -1): void {
    this.#size += change;
    if (isExclusive) this.#exclusives += change;
  }

  #lineOf(call: C): C[] {
    const key = call.request.caller.keyId;
    let line = this.#lines.get(key);
    if (!line) {
      line = [];
      this.#lines.set(key, line);
    }
    return line;
  }

  /** Takes a call out; its key moves behind the others. @returns false when it was not waiting. */
  remove(call: C): boolean {
    const key = call.request.caller.keyId;
    const line = this.#lines.get(key);
    const at = line?.indexOf(call) ?? -1;
    if (!line || at < 0) return false;
    line.splice(at, 1);
    this.#lines.delete(key);
    if (line.length > 0) this.#lines.set(key, line);
    this.#count(call, -1);
    return true;
  }

  /** All waiting calls, the next to run first. The call that is looked at may be taken out meanwhile, no other. */
  *inOrder(): Generator<C, void, undefined> {
    const lines = [...this.#lines.values()].map((calls) => ({ calls, at: 0 }));
    for (let left = this.#size; left > 0; ) {
      for (const line of lines) {
        const call = line.calls[line.at];
        if (!call) continue;
        left--;
        yield call;
        if (line.calls[line.at] === call) line.at++;
      }
    }
  }
}
