/**
 * The outlet of a request that came over stdio.
 *
 * O1. The response is written apart from what was sent before it: a client that reads a notification together with the
 *     response drops the notification.
 */
import { faultText } from '../fault.ts';
import type { MessageId } from '../message.ts';
import { tooLongFault } from '../message-size.ts';
import type { Outlet } from '../outlet.ts';
import { MAX_LINE_BYTES, type MessageLines } from './message-lines.ts';

export class StdioOutlet implements Outlet {
  readonly #lines: MessageLines;
  readonly #id: MessageId;
  #hasSent = false;
  #isDone = false;
  #onEnd: (() => void) | undefined;

  constructor(lines: MessageLines, id: MessageId) {
    this.#lines = lines;
    this.#id = id;
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
    this.#lines.write(text);
  }

  ready(): Promise<void> | undefined {
    return this.#lines.drained();
  }

  respond(text: string): void {
    if (this.#isDone) return;
    this.abandon();
    const way = this.#hasSent ? 'apart' : 'at once';
    if (this.#lines.write(text, way)) return;
    const fault = tooLongFault('the answer', MAX_LINE_BYTES);
    if (!this.#lines.write(faultText(this.#id, fault), way)) this.#lines.write(faultText(null, fault), way);
  }

  abandon(): void {
    this.#isDone = true;
    this.#onEnd?.();
  }
}
