/**
 * Keeps a flood of one kind from filling a log: so many lines a second go through, and what came besides is told as a
 * number when the second is over.
 */
const WINDOW_MS = 1000;
const MOST_A_SECOND = 10;

interface Window {
  since: number;
  passed: number;
  held: number;
}

export class BoundedLines {
  readonly #tellHeld: (kind: string, count: number) => void;
  readonly #windows = new Map<string, Window>();

  /** @param tellHeld told of each kind, once a second, how many lines were held back. Kinds are a closed list. */
  constructor(tellHeld: (kind: string, count: number) => void) {
    this.#tellHeld = tellHeld;
  }

  /** Whether a line of this kind may be written now. */
  passes(kind: string, now = performance.now()): boolean {
    let window = this.#windows.get(kind);
    if (!window) {
      window = { since: now, passed: 0, held: 0 };
      this.#windows.set(kind, window);
    } else if (window.held === 0 && now - window.since >= WINDOW_MS) {
      window.since = now;
      window.passed = 0;
    }
    if (window.passed < MOST_A_SECOND) {
      window.passed++;
      return true;
    }
    if (++window.held === 1) setTimeout(() => this.#end(kind), window.since + WINDOW_MS - now).unref();
    return false;
  }

  #end(kind: string): void {
    const held = this.#windows.get(kind)?.held ?? 0;
    this.#windows.delete(kind);
    this.#tellHeld(kind, held);
  }
}
