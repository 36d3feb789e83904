/**
 * Progress on stderr: a bar on a terminal, redrawn in place; else lines.
 *
 * B1. It is gone when the call has ended: what stays on screen is the output.
 * B2. Where stderr is no terminal, nothing is drawn: each report is a line of its own, in words and figures.
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
      this.#terminal.write(`${lineText(progress)}\n`);
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
export function barText(report: Progress, columns = 80): string {
  const fraction = fractionOf(report);
  const bar =
    fraction === undefined ? '' : `[${'#'.repeat(Math.round(fraction * WIDTH)).padEnd(WIDTH, '.')}] `;
  return `${bar}${lineText(report)}`.slice(0, Math.max(0, columns - 1));
}

/** The same without a bar, however long. */
export function lineText(report: Progress): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a tool's message must not steer the terminal.
  const words = report.message.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ');
  const fraction = fractionOf(report);
  const figures = fraction === undefined ? `${report.progress}` : `${Math.floor(fraction * 100)} %`;
  return `${figures} ${words}`.trimEnd();
}

/** How much of the total is done, from 0 to 1; undefined where that is not known. */
const fractionOf = ({ progress, total }: Progress): number | undefined =>
  total === null || total <= 0 ? undefined : Math.min(1, Math.max(0, progress / total));
