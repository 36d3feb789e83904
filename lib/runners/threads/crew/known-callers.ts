/** Who has called so far, and so what new threads are to be prepared for. */
import type { ExpectedCallers } from '../port/frames.ts';

export class KnownCallers {
  #expected: ExpectedCallers;
  #first: string | null = null;

  /** @param expectsOne whether one caller alone is expected, until another comes. */
  constructor(expectsOne: boolean) {
    this.#expected = expectsOne ? 'one' : 'any';
  }

  get expected(): ExpectedCallers {
    return this.#expected;
  }

  /** Somebody makes a call. @returns whether threads were for one caller alone so far, and this is another. */
  note(keyId: string): boolean {
    this.#first ??= keyId;
    if (keyId === this.#first || this.#expected === 'several') return false;
    const wereForOne = this.#expected === 'one';
    this.#expected = 'several';
    return wereForOne;
  }
}
