/**
 * Looks once a second whether libuv's pool of threads answers, which works on files, DNS, `crypto` and `zlib` for the
 * gateway and all threads together: calls may hold all of it, and nothing else shows that.
 *
 * L1. When the gateway itself was held up (a tick is late), an answer may have come that it has not seen: nothing is
 *     concluded then.
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from './logger.ts';

const TICK_MS = 1000;

/** Something that the pool does, but for the time it waits there, at once. */
type Probe = (answered: () => void) => void;

const smallest: Probe = (answered) => randomBytes(1, answered);

interface LibuvListener {
  /** It has not answered for a while; told once. */
  stalled(): void;
  /** It answers again. */
  answers(stalledMs: number): void;
}

export class LibuvWatch {
  readonly #listener: LibuvListener;
  readonly #probe: Probe;
  readonly #tickMs: number;
  readonly #timer: NodeJS.Timeout;
  #tickedAt = performance.now();
  /** When what is not answered was asked. */
  #askedAt: number | null = null;
  #lateTicks = 0;

  constructor(listener: LibuvListener, probe = smallest, tickMs = TICK_MS) {
    this.#listener = listener;
    this.#probe = probe;
    this.#tickMs = tickMs;
    this.#timer = setInterval(this.#onTick, tickMs).unref();
  }

  /** Whether it has not answered for two seconds or more. */
  get isStalled(): boolean {
    return this.#lateTicks >= 2;
  }

  readonly #onTick = (): void => {
    const now = performance.now();
    const wasHeldUp = now - this.#tickedAt > 2 * this.#tickMs;
    this.#tickedAt = now;
    if (this.#askedAt === null) {
      this.#askedAt = now;
      this.#probe(this.#onAnswer);
    } else if (!wasHeldUp && ++this.#lateTicks === 2) this.#listener.stalled();
  };

  readonly #onAnswer = (): void => {
    const askedAt = this.#askedAt ?? performance.now();
    const wasStalled = this.isStalled;
    this.#askedAt = null;
    this.#lateTicks = 0;
    if (wasStalled) this.#listener.answers(performance.now() - askedAt);
  };

  close(): void {
    clearInterval(this.#timer);
  }
}

/** One whose findings go to the log. */
export const watchLibuv = (log: Logger): LibuvWatch =>
  new LibuvWatch({
    stalled: () =>
      log.warn(
        "libuv's pool does not answer: calls hold all of its threads (files, DNS, crypto, zlib), and others wait for " +
          'them; raise UV_THREADPOOL_SIZE',
      ),
    answers: (stalledMs) => log.warn({ stalledMs: Math.round(stalledMs) }, "libuv's pool answers again"),
  });
