/**
 * Calls that wait for a thread, or for another place: bounded, and fair between API keys.
 *
 * A1. The key that holds the least of the places is served first, keys that hold equally much in turn, a key's own
 *     calls in the order they came: one key's flood does not hold up another's single call.
 * A2. A key may fill the queue, and yields: when the queue is full, the newest call of the key with the most in it
 *     makes room for a key that has at least two fewer, so that no two keys displace each other in turn.
 * A3. A call that comes back (its thread died before it ran) goes to the head of its key's line and is not bounded.
 * A4. Calls for which a place is on its way wait as if they had it: they do not count against the bound.
 */

export interface Queued {
  readonly isExclusive: boolean;
  readonly request: { readonly caller: { readonly keyId: string } };
}

/** Of the calls that wait, how many will find a place that is on its way. */
export type Expected = (shared: number, exclusive: number) => number;

export class AdmissionQueue<C extends Queued> {
  readonly limit: number;
  readonly #held: (keyId: string) => number;
  readonly #expected: Expected;
  #size = 0;
  #exclusives = 0;
  #lines = new Map<string, C[]>();

  /** @param held how much of the places a key's running calls hold. */
  constructor(limit: number, held: (keyId: string) => number = () => 0, expected: Expected = () => 0) {
    this.limit = limit;
    this.#held = held;
    this.#expected = expected;
  }

  get size(): number {
    return this.#size;
  }

  /** Exclusive calls that wait; the others are shared. */
  get exclusives(): number {
    return this.#exclusives;
  }

  /** @returns the call that has no place, which is the given one or another (A2); null when there was room. */
  add(call: C): C | null {
    const refused = this.#hasRoom(call) ? null : this.#whoYieldsTo(call);
    if (refused === call) return call;
    if (refused) this.remove(refused);
    this.#lineOf(call).push(call);
    this.#count(call, 1);
    return refused;
  }

  addFirst(call: C): void {
    this.#lineOf(call).unshift(call);
    this.#count(call, 1);
  }

  #hasRoom({ isExclusive }: C): boolean {
    if (this.#size < this.limit) return true;
    const exclusive = this.#exclusives + (isExclusive ? 1 : 0);
    const all = this.#size + 1;
    return all <= this.limit + this.#expected(all - exclusive, exclusive); // A4
  }

  #whoYieldsTo(call: C): C {
    let longest: readonly C[] = [];
    for (const line of this.#lines.values()) if (line.length > longest.length) longest = line;
    const own = this.#lines.get(call.request.caller.keyId)?.length ?? 0;
    return (longest.length > own + 1 ? longest.at(-1) : undefined) ?? call;
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
    const lines = [...this.#lines].map(([key, calls]) => ({ key, calls, at: 0, turns: 0 }));
    for (let left = this.#size; left > 0; left--) {
      let next: (typeof lines)[number] | undefined;
      let least = Infinity;
      for (const line of lines) {
        if (line.at >= line.calls.length) continue;
        const held = this.#held(line.key);
        if (held > least || (held === least && next && line.turns >= next.turns)) continue;
        next = line;
        least = held;
      }
      const call = next?.calls[next.at];
      if (!next || !call) return;
      next.turns++;
      yield call;
      if (next.calls[next.at] === call) next.at++;
    }
  }
}
