/**
 * A progress bar on a terminal, redrawn in place.
 *
 * B1. It is gone when the call has ended: what stays on screen is the output.
 * B2. Where stderr is no terminal, each report is a line of its own.
 */
const WIDTH = 24;
const REDRAW_MS = 50;
const ERASE_LINE = '\r\x1b[K';

export interface Progress {
  readonly progress: number;
  readonly total: number | null;
  readonly message: string;
}

export class ProgressBar {
  readonly #terminal: NodeJS.WriteStream;
  #latest: Progress | undefined;
  #drawnAt = 0;

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal;
  }

  show(progress: Progress): void {
    if (!this.#terminal.isTTY) {
      this.#terminal.write(`${barText(progress)}\n`);
      return;
    }
    this.#latest = progress;
    const isLast = progress.total !== null && progress.progress >= progress.total;
    if (isLast || performance.now() - this.#drawnAt >= REDRAW_MS) this.#draw(progress);
  }

  /** Takes the bar away while `write` writes, since both may go to the same terminal. */
  around(write: () => void): void {
    const latest = this.#latest;
    this.clear();
    write();
    if (latest === undefined) return;
    this.#latest = latest;
    this.#draw(latest);
  }

  clear(): void {
    if (this.#latest !== undefined) this.#terminal.write(ERASE_LINE);
    this.#latest = undefined;
  }

  #draw(progress: Progress): void {
    this.#drawnAt = performance.now();
    // A terminal that does not know its width says 0.
    this.#terminal.write(`${ERASE_LINE}${barText(progress, this.#terminal.columns || 80)}`);
  }
}

/** One line of at most `columns` characters. */
export function barText({ progress, total, message }: Progress, columns = 80): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a tool's message must not steer the terminal.
  const words = message.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
  const fraction = total === null || total <= 0 ? undefined : Math.min(1, Math.max(0, progress / total));
  const figures =
    fraction === undefined
      ? `${progress}`
      : `[${'#'.repeat(Math.round(fraction * WIDTH)).padEnd(WIDTH, '.')}] ${Math.floor(fraction * 100)} %`;
  return `${figures} ${words}`.trimEnd().slice(0, Math.max(0, columns - 1));
}
