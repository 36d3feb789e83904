/**
 * A progress bar on a terminal, redrawn in place.
 *
 * B1. It is gone when the call has ended: what stays on screen is the output.
 * B2. Where stderr is no terminal, each report is a line of its own.
 */
const WIDTH = 24;
const REDRAW_MS = 50;

export interface Progress {
  readonly progress: number;
  readonly total: number | null;
  readonly message: string;
}

export class ProgressBar {
  readonly #terminal: NodeJS.WriteStream;
  #drawnAt = 0;
  #isDrawn = false;

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal;
  }

  show(progress: Progress): void {
    if (!this.#terminal.isTTY) {
      this.#terminal.write(`${barText(progress)}\n`);
      return;
    }
    const now = performance.now();
    const isLast = progress.total !== null && progress.progress >= progress.total;
    if (now - this.#drawnAt < REDRAW_MS && !isLast) return;
    this.#drawnAt = now;
    this.#isDrawn = true;
    this.#terminal.write(`\r\x1b[K${barText(progress, this.#terminal.columns)}`);
  }

  /** Takes the bar away, so that other output can be written. */
  clear(): void {
    if (this.#isDrawn) this.#terminal.write('\r\x1b[K');
    this.#isDrawn = false;
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
