/**
 * Who waits for the end of a call. What one of them throws is told as a defect, and keeps it from no other.
 */
import type { TerminalEvent } from '../../call/call-events.ts';

export type OnDefect = (error: unknown) => void;
type Listener = (end: TerminalEvent) => void;

export class EndListeners {
  readonly #onDefect: OnDefect;
  #listeners: Listener[] = [];
  #end: TerminalEvent | null = null;

  constructor(onDefect: OnDefect) {
    this.#onDefect = onDefect;
  }

  add(listener: Listener): void {
    if (this.#end) listener(this.#end);
    else this.#listeners.push(listener);
  }

  tell(end: TerminalEvent): void {
    this.#end = end;
    for (const listener of this.#listeners.splice(0)) {
      try {
        listener(end);
      } catch (error) {
        this.#onDefect(error);
      }
    }
  }
}
