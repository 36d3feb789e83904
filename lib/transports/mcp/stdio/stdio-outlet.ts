/**
 * The outlet of a request that came over stdio.
 *
 * O1. The response is written apart from what was sent before it: a client that reads a notification together with the
 *     response drops the notification.
 */
import type { LineWriter } from '../../../async/line-writer.ts';
import type { Outlet } from '../outlet.ts';

export class StdioOutlet implements Outlet {
  readonly #writer: LineWriter;
  #hasSent = false;
  #isDone = false;
  #onEnd: (() => void) | undefined;

  constructor(writer: LineWriter) {
    this.#writer = writer;
  }

  /** Told when the request is over. */
  onEnd(listener: () => void): void {
    this.#onEnd = listener;
  }

  named(): void {}

  open(): void {}

  send(text: string): void {
    if (this.#isDone) return;
    this.#hasSent = true;
    this.#writer.write(text);
  }

  ready(): Promise<void> | undefined {
    return this.#writer.drained();
  }

  respond(text: string): void {
    if (this.#isDone) return;
    this.abandon();
    if (this.#hasSent) this.#writer.writeApart(text);
    else this.#writer.write(text);
  }

  abandon(): void {
    this.#isDone = true;
    this.#onEnd?.();
  }
}
