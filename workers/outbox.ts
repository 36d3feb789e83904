/**
 * A thread's way out: frames of all its calls, posted in order and in batches on the thread's one port.
 *
 * O1. `post` leaves at the end of the current turn of the event loop, so that everything one turn makes, of all
 *     calls, is one message; `flush` posts at once, for what must be seen before a tool may block the thread.
 * O2. What is posted before there is a port is kept until there is one.
 * O3. Who waits for the end of the turn goes on when what the turn made has left. All wait for one promise.
 */
import type { MessagePort } from 'node:worker_threads';
import type { Shift, ThreadFrame } from '../lib/runners/threads/port/frames.ts';
import { packed } from '../lib/runners/threads/port/packing.ts';
import { setImmediate } from './async-context/own-timers.ts';
import { load, NativePromise, ownList } from './intrinsics/captured.ts';

/** A gateway that reads on takes them in within some 5 ms; more would keep everybody else waiting there. */
const MOST_AHEAD = 16;

export class Outbox {
  #port: MessagePort | null = null;
  /** Emptied, not replaced: what is posted is copied at once. */
  readonly #frames = ownList<unknown>();
  #isScheduled = false;
  #turnEnd: Promise<void> | null = null;
  #endTurn: () => void = () => {};
  readonly #onTurn: () => void;
  #posted = 0;
  #taken: Shift['taken'];

  /** @param onTurn called where a turn of the event loop ends and the next begins, before anything of this turn leaves. */
  constructor(onTurn: () => void = () => {}) {
    this.#onTurn = onTurn;
  }

  /** Posts `hello`, what was kept, and from now on everything, on the port of the shift. */
  open({ port, taken }: Pick<Shift, 'port' | 'taken'>, hello: ThreadFrame): void {
    this.#port = port;
    this.#taken = taken;
    const kept = this.#frames.length;
    for (let at = kept; at > 0; at--) this.#frames[at] = this.#frames[at - 1];
    this.#frames[0] = hello;
    this.flush();
  }

  post(frame: ThreadFrame): void {
    this.#frames[this.#frames.length] = packed(frame);
    this.#schedule();
  }

  /** Settles with the current turn of the event loop (O3). */
  turnEnd(): Promise<void> {
    this.#turnEnd ??= new NativePromise<void>((resolve) => {
      this.#endTurn = resolve;
    });
    this.#schedule();
    return this.#turnEnd;
  }

  /** Whether the gateway has more of its messages yet to take in than it soon will. */
  get isAhead(): boolean {
    return this.#taken !== undefined && ((this.#posted - load(this.#taken, 0)) | 0) > MOST_AHEAD;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#onTurnEnd);
  }

  readonly #onTurnEnd = (): void => {
    this.#isScheduled = false;
    this.#onTurn();
    const endTurn = this.#turnEnd === null ? null : this.#endTurn;
    this.#turnEnd = null;
    try {
      this.flush();
    } finally {
      endTurn?.();
    }
  };

  flush(): void {
    if (this.#frames.length === 0 || this.#port === null) return;
    try {
      this.#port.postMessage(this.#frames);
      this.#posted++;
    } finally {
      this.#frames.length = 0;
    }
  }
}
