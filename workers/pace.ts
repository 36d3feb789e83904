/**
 * How long a yielding tool goes on before the event loop turns: at most 5 ms, so that a cancel and everything else that
 * comes by the loop gets through to a tool that waits for nothing else.
 */
import { now } from './intrinsics/captured.ts';

const TURN_MS = 5;

/** After so many yields without a rest more of them are expected: the call may sprint (async-context). */
const YIELDS_TO_SPRINT = 16;

export class Pace {
  readonly #sprint: () => Promise<void> | undefined;
  readonly #turnEnd: () => Promise<void>;
  #turnedAt = now();
  #yields = 0;

  /**
   * @param sprint called when the tool yields again and again; gives what the next yield has to wait for.
   * @param turnEnd settles with the turn of the event loop.
   */
  constructor(sprint: () => Promise<void> | undefined, turnEnd: () => Promise<void>) {
    this.#sprint = sprint;
    this.#turnEnd = turnEnd;
  }

  /**
   * To be asked after each yield.
   * @param waiting what the tool has to wait for anyway.
   * @returns what it has to wait for, if anything.
   */
  rest(at: number, waiting: Promise<void> | undefined): Promise<void> | undefined {
    if (waiting === undefined && at - this.#turnedAt < TURN_MS)
      return ++this.#yields === YIELDS_TO_SPRINT ? this.#sprint() : undefined;
    return this.#turn(waiting ?? this.#turnEnd());
  }

  async #turn(turning: Promise<void>): Promise<void> {
    await turning;
    this.#turnedAt = now();
    this.#yields = 0;
  }
}
