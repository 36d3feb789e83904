/**
 * Turns of the tools of a thread that yield without ever waiting.
 *
 * Where several of them go on side by side, each `yield` of one lets the others yield too: of a thousand, each would have
 * a chunk or ten in the time in which its batch may grow, and what a batch costs would be paid a hundred times as often.
 * So one goes on while the others wait, and each turn of the event loop lets the next one go.
 *
 * N1. A tool that waits for something of its own never waits here: only who has yielded again and again in one turn of
 *     the event loop asks for a turn of its own.
 * N2. Nobody has to give its turn back: one that ends, fails or waits meanwhile keeps nobody waiting, since the next is let
 *     go by the event loop, which turns as soon as this one does anything but yield, and at the latest when its time is up
 *     (Pace).
 * N3. Nobody has a turn while the gateway has much to take in that came before: each of them has its credit, but all
 *     together could keep it from everything else for seconds.
 */
import { setTimeout } from './async-context/own-timers.ts';
import { chain, NativePromise } from './intrinsics/captured.ts';

/** A place in the line. */
export class Turn {
  #goOn: (() => void) | null = null;
  readonly come = new NativePromise<void>((resolve) => {
    this.#goOn = resolve;
  });
  next: Turn | null = null;

  get hasCome(): boolean {
    return this.#goOn === null;
  }

  /** Lets its holder go on, for whom there may be no more to wait for. */
  begin(): void {
    const goOn = this.#goOn;
    this.#goOn = null;
    goOn?.();
  }
}

/** Of what they yield. */
export interface WayOut {
  /** Settles with the turn of the event loop, when what it made has left. */
  turnEnd(): Promise<void>;
  /** More has left than should be under way. */
  readonly isAhead: boolean;
}

const LOOK_AGAIN_MS = 1;

export class Turns {
  readonly #way: WayOut;
  #first: Turn | null = null;
  #last: Turn | null = null;
  #isTaken = false;

  constructor(way: WayOut) {
    this.#way = way;
  }

  /** Whether others wait for their turn. */
  get areWanted(): boolean {
    this.#dropGone();
    return this.#first !== null;
  }

  /** @returns the turn to wait for; nothing where it begins at once. */
  take(): Turn | undefined {
    if (!this.#isTaken) {
      this.#begin();
      return undefined;
    }
    const turn = new Turn();
    if (this.#last === null) this.#first = turn;
    else this.#last.next = turn;
    this.#last = turn;
    return turn;
  }

  #begin(): void {
    this.#isTaken = true;
    chain(this.#way.turnEnd(), this.#onTurnEnd);
  }

  readonly #onTurnEnd = (): void => {
    if (this.#way.isAhead) {
      setTimeout(this.#onTurnEnd, LOOK_AGAIN_MS);
      return;
    }
    this.#isTaken = false;
    const turn = this.#shift();
    if (turn === null) return;
    this.#begin();
    turn.begin();
  };

  #shift(): Turn | null {
    this.#dropGone();
    const turn = this.#first;
    if (turn !== null) this.#setFirst(turn.next);
    return turn;
  }

  /** Those who were let go before their turn. */
  #dropGone(): void {
    while (this.#first?.hasCome) this.#setFirst(this.#first.next);
  }

  #setFirst(turn: Turn | null): void {
    this.#first = turn;
    if (turn === null) this.#last = null;
  }
}
