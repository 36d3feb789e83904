/**
 * A thread's life, from the request for it until nothing is left of it. One state, and steps between states by name:
 *
 *     starting ─load→ ready ─leave→ leaving          any ─closePort→ silent ─lose─────┐
 *        │ standBy      ↑ callIn                     any ─lose────→ lost ─closePort──┴→ gone
 *     reserve ──load→ standing by
 *
 * L1. A thread takes calls in `ready` alone. What stands by (`reserve` while it loads) waits to be called in.
 * L2. Why it leaves is known from the first reason on; only a kill goes over being retired, since it is what ends the
 *     calls. A thread leaves whatever else becomes of it, so the reason outlives the state.
 * L3. It is gone when its port has closed and its loss is known, at most a second after the first of the two: frames all
 *     arrive before the close, while the loss, which tells the cause, comes up to 30 ms before or after. One that never
 *     loaded has said nothing that could still be on its way.
 * L4. A step that the table does not have changes nothing and is told as a defect, which is logged and counted: the
 *     threads are many, and one whose story does not add up is no reason to end the gateway.
 */

/** Why a thread takes no more calls. */
export type Leaving = 'retired' | 'killed' | 'idle';

export type LifeState =
  | 'starting'
  | 'reserve'
  | 'standing by'
  | 'ready'
  | 'leaving'
  | 'silent'
  | 'lost'
  | 'gone';

type Step = 'standBy' | 'load' | 'callIn' | 'leave' | 'closePort' | 'lose' | 'vanish';

const ENDS = { closePort: 'silent', lose: 'lost' } as const;
const STEPS: Readonly<Record<LifeState, Readonly<Partial<Record<Step, LifeState>>>>> = {
  starting: { standBy: 'reserve', load: 'ready', leave: 'leaving', ...ENDS },
  reserve: { load: 'standing by', callIn: 'starting', leave: 'leaving', ...ENDS },
  'standing by': { callIn: 'ready', leave: 'leaving', ...ENDS },
  ready: { leave: 'leaving', ...ENDS },
  // Told to leave while it loaded or stood by, it may still say that it has loaded, or be called in.
  leaving: { load: 'leaving', callIn: 'leaving', leave: 'leaving', ...ENDS },
  silent: { callIn: 'silent', leave: 'silent', lose: 'lost', vanish: 'gone' },
  // Its last frames may be on their way: that it has loaded, that it retires.
  lost: { load: 'lost', callIn: 'lost', leave: 'lost', closePort: 'lost', vanish: 'gone' },
  // What ends its wait closes the port; and a loss may come later than was waited.
  gone: { closePort: 'gone', lose: 'gone' },
};

/** How long a lost thread's port close, or a closed one's loss, is waited for. */
const LAST_WORD_MS = 1000;

export interface LifeListener {
  /** The thread does nothing more, but what it has said may still be on its way. */
  lost(): void;
  /** Once, at the end (L3). `loss` says why, where it is known. */
  gone(loss: unknown): void;
  /** A step that cannot be (L4). */
  impossible(error: Error): void;
}

export class ThreadLife {
  readonly #listener: LifeListener;
  #state: LifeState = 'starting';
  #leaving: Leaving | null = null;
  #hasLoaded = false;
  #loss: unknown = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(listener: LifeListener) {
    this.#listener = listener;
  }

  get state(): LifeState {
    return this.#state;
  }

  /** Whether the thread takes calls. Asked for each call and thread. */
  get isOpen(): boolean {
    return this.#state === 'ready';
  }

  /** Whether the thread takes calls, or may soon. */
  get isHope(): boolean {
    return this.isOpen || this.#state === 'standing by' || (!this.#hasLoaded && this.#leaving === null);
  }

  /** Why it leaves; null while it does not, and where it was lost before. */
  get leaving(): Leaving | null {
    return this.#leaving;
  }

  /** Whether it has loaded its tools, or said why it could not. */
  get hasLoaded(): boolean {
    return this.#hasLoaded;
  }

  get canHear(): boolean {
    return this.#state !== 'silent' && this.#state !== 'gone';
  }

  /** It is for another thread that may have to be killed. */
  standBy(): void {
    this.#take('standBy');
  }

  /** It said its hello. */
  load(): void {
    if (this.#take('load')) this.#hasLoaded = true;
  }

  /** From now on it is a thread like any other. */
  callIn(): void {
    this.#take('callIn');
  }

  leave(why: Leaving): void {
    if (!this.#take('leave')) return;
    if (this.#leaving === null || (this.#leaving === 'retired' && why === 'killed')) this.#leaving = why;
  }

  closePort(): void {
    const wasLost = this.#state === 'lost';
    if (!this.#take('closePort') || this.#state === 'gone') return;
    if (wasLost) this.#vanish();
    else this.#awaitLastWord();
  }

  lose(loss: unknown): void {
    const wasSilent = this.#state === 'silent';
    if (!this.#take('lose')) return;
    this.#loss = loss;
    this.#listener.lost();
    if (this.#state === 'gone') return;
    if (wasSilent || !this.#hasLoaded) this.#vanish();
    else this.#awaitLastWord();
  }

  #awaitLastWord(): void {
    // Where the gateway has been busy meanwhile, what has come is not read yet: that is before the turn ends.
    const vanish = () => setImmediate(() => this.#state !== 'gone' && this.#vanish());
    this.#timer ??= setTimeout(vanish, LAST_WORD_MS).unref();
  }

  #vanish(): void {
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#take('vanish')) this.#listener.gone(this.#loss);
  }

  /** @returns whether the step is one of the table. */
  #take(step: Step): boolean {
    const next = STEPS[this.#state][step];
    if (next === undefined) {
      this.#listener.impossible(new Error(`a thread that is ${this.#state} cannot ${step}`));
      return false;
    }
    this.#state = next;
    return true;
  }
}
