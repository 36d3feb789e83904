/** The newest chunks of a run as JSON text: parsed when one is looked at, never before. */

const MOST = 100_000;
const MOST_CHARACTERS = 64 * 1024 * 1024;

export class ChunkRing {
  #texts: string[] = [];
  /** Where the oldest is; what was before it is dropped. */
  #head = 0;
  #characters = 0;
  dropped = 0;

  get size(): number {
    return this.#texts.length - this.#head;
  }

  /** All that came, dropped ones included. */
  get total(): number {
    return this.dropped + this.size;
  }

  /** @param at from the oldest that is kept. */
  at(at: number): string {
    return this.#texts[this.#head + at] ?? '';
  }

  push(text: string): void {
    this.#texts.push(text);
    this.#characters += text.length;
    while (this.size > MOST || (this.#characters > MOST_CHARACTERS && this.size > 1)) {
      this.#characters -= this.#texts[this.#head]?.length ?? 0;
      this.#texts[this.#head++] = '';
      this.dropped++;
    }
    if (this.#head > MOST) {
      this.#texts = this.#texts.slice(this.#head);
      this.#head = 0;
    }
  }

  clear(): void {
    this.#texts = [];
    this.#head = 0;
    this.#characters = 0;
    this.dropped = 0;
  }

  /** All that is kept, a line each. */
  text(): string {
    return this.#texts.slice(this.#head).join('\n');
  }
}
