/**
 * How many of something bounded each API key has open: who has room made for it where all is taken, and by whom.
 *
 * F1. A key may take what is free. It yields to a key that has at least two fewer: with less between them, two keys
 *     would only displace each other in turn.
 */

export class FairShares {
  readonly #counts = new Map<string, number>();

  of(keyId: string): number {
    return this.#counts.get(keyId) ?? 0;
  }

  add(keyId: string): void {
    this.#counts.set(keyId, this.of(keyId) + 1);
  }

  remove(keyId: string): void {
    const left = this.of(keyId) - 1;
    if (left > 0) this.#counts.set(keyId, left);
    else this.#counts.delete(keyId);
  }

  /** The key that is to give one up for one more of `keyId`; undefined where none has so much more. */
  whoYieldsTo(keyId: string): string | undefined {
    let most = this.of(keyId) + 1;
    let greediest: string | undefined;
    for (const [key, count] of this.#counts) {
      if (count <= most) continue;
      most = count;
      greediest = key;
    }
    return greediest;
  }
}
