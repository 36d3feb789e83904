/**
 * How long a yielding tool goes on before the event loop turns: at most 5 ms, so that a cancel and everything else that
 * comes by the loop gets through to a tool that waits for nothing else; less where others wait for their turn.
 */
import { now } from './intrinsics/captured.ts';

const TURN_MS = 5;
/** What a batch costs is little beside so many chunks, and of a thousand tools each has its turn twice a second. */
const SHARED_TURN_MS = 0.5;

/** After so many yields without a rest more of them are expected. */
const YIELDS_OF_BUSY = 16;

/** What a run may be told to wait for between two yields. */
export interface Rests {
  /** The tool yields again and again. @returns what it has to wait for before it may go on so, if anything. */
  busy(): Promise<void> | undefined;
  /** Others wait for their turn. */
  readonly areOthersWaiting: boolean;
  /** @returns what ends with the turn of the event loop. */
  turnEnd(): Promise<void>;
}

export class Pace {
  readonly #rests: Rests;
  #turnedAt = now();
  /** When to look again whether others wait. */
  #lookAt = this.#turnedAt + SHARED_TURN_MS;
  #yields = 0;
  #yieldsAfterRest = 0;

  constructor(rests: Rests) {
    this.#rests = rests;
  }

  /**
   * To be asked after each yield.
   * @param waiting what the tool has to wait for anyway.
   * @returns what it has to wait for, if anything; `rested` is to be called then.
   */
  rest(at: number, waiting: Promise<void> | undefined): Promise<void> | undefined {
    this.#yieldsAfterRest = 0;
    if (waiting !== undefined) return waiting;
    return (at < this.#lookAt ? undefined : this.#look(at)) ?? this.#count();
  }

  /** What it had to wait for has come. Not left to a promise of its own: on Node 20 each is dear. */
  rested(): void {
    this.#turnedAt = now();
    this.#lookAt = this.#turnedAt + SHARED_TURN_MS;
    this.#yields = this.#yieldsAfterRest;
  }

  /** Looks, every now and then, whether it has gone on for long enough. */
  #look(at: number): Promise<void> | undefined {
    if (at - this.#turnedAt >= TURN_MS) return this.#rests.turnEnd();
    this.#lookAt = at + SHARED_TURN_MS;
    return this.#rests.areOthersWaiting ? this.#busy() : undefined;
  }

  #count(): Promise<void> | undefined {
    return ++this.#yields === YIELDS_OF_BUSY ? this.#busy() : undefined;
  }

  #busy(): Promise<void> | undefined {
    this.#yieldsAfterRest = YIELDS_OF_BUSY;
    return this.#rests.busy();
  }
}
