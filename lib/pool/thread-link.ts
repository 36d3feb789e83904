/**
 * One thread as the pool sees it: its port, the calls on it, and how it is doing.
 *
 * L1. A call's place on the thread (slot) is free again when both its terminal frame and the settlement of its
 *     Piscina run are in, or when the thread is gone.
 * L2. The thread is gone when its port has closed and every run on it has settled, at most a second later: frames
 *     all arrive before the close, while the rejection, which tells the cause, comes up to 30 ms before or after.
 */
import type { MessagePort } from 'node:worker_threads';
import type { HostFrame, ThreadFrame } from '../protocol/frames.ts';
import type { ThreadStats } from '../tool/runner.ts';
import type { ThreadLoad } from './thread-choice.ts';
import type { ToolCall } from './tool-call.ts';

/** Why a thread takes no more calls. */
export type Leaving = 'retired' | 'killed' | 'idle';

export interface LinkListener {
  frame(link: ThreadLink, frame: ThreadFrame): void;
  /** A slot was freed (L1). */
  freed(link: ThreadLink, call: ToolCall): void;
  /** A run ended without its call's terminal frame although the thread lives. */
  orphaned(link: ThreadLink, call: ToolCall, rejection: unknown): void;
  /** The thread posted what no thread of ours posts. */
  babbled(link: ThreadLink, error: unknown): void;
  /** The thread is gone (L2); `lost` are the calls it still had, `rejection` says why where it is known. */
  gone(link: ThreadLink, lost: readonly ToolCall[], rejection: unknown): void;
}

interface Slot {
  readonly call: ToolCall;
  hasTerminal: boolean;
  hasSettled: boolean;
}

/** How long a dead thread's rejections, or a lost run's port close, are waited for. */
const LAST_WORD_MS = 1000;

export class ThreadLink implements ThreadLoad {
  readonly id: number;
  readonly #port: MessagePort;
  readonly #listener: LinkListener;
  readonly #slots = new Map<number, Slot>();
  readonly #startedAt = performance.now();
  #isReady = false;
  #leaving: Leaving | null = null;
  #isClosed = false;
  #isGone = false;
  #rejection: unknown = null;
  #exclusives = 0;
  #completed = 0;
  #crashes = 0;
  heapUsedBytes = 0;
  utilization = 0;
  /** When the thread last said anything. */
  heardAt = performance.now();

  constructor(id: number, port: MessagePort, listener: LinkListener) {
    this.id = id;
    this.#port = port;
    this.#listener = listener;
    port.on('message', (frames: ThreadFrame[]) => {
      this.heardAt = performance.now();
      try {
        for (const frame of frames) listener.frame(this, frame);
      } catch (error) {
        listener.babbled(this, error);
      }
    });
    port.once('close', () => this.#onClose());
  }

  get isReady(): boolean {
    return this.#isReady && !this.#isClosed;
  }

  get isOpen(): boolean {
    return this.#isReady && this.#leaving === null && !this.#isClosed;
  }

  get leaving(): Leaving | null {
    return this.#leaving;
  }

  get calls(): number {
    return this.#slots.size;
  }

  get hasExclusive(): boolean {
    return this.#exclusives > 0;
  }

  /** Whether an exclusive call runs: it may block its thread as long as its deadline lets it. */
  get runsExclusive(): boolean {
    if (this.#exclusives === 0) return false;
    for (const { call } of this.#slots.values()) if (call.isExclusive && call.hasStarted) return true;
    return false;
  }

  /** Whether each call on the thread has ended by its own terminal frame. */
  get isDone(): boolean {
    for (const slot of this.#slots.values()) if (!slot.hasTerminal) return false;
    return true;
  }

  /** From now on the thread takes calls. */
  markReady(): void {
    this.#isReady = true;
  }

  /** From now on it takes no more; the first reason stays. */
  leave(reason: Leaving): void {
    this.#leaving ??= reason;
  }

  readonly post = (frame: HostFrame): void => {
    if (!this.#isClosed) this.#port.postMessage(frame);
  };

  /** Puts a call on the thread. */
  take(call: ToolCall): void {
    this.#slots.set(call.number, { call, hasTerminal: false, hasSettled: false });
    if (call.isExclusive) this.#exclusives++;
    call.attach(this.post);
  }

  callOf(number: number): ToolCall | undefined {
    return this.#slots.get(number)?.call;
  }

  /** A call's terminal frame is in. @returns whether an error that escaped the call ended it. */
  ended(frame: Extract<ThreadFrame, { type: 'result' | 'error' }>): boolean {
    const slot = this.#slots.get(frame.call);
    if (!slot) return false;
    const hasCrashed = frame.type === 'error' && frame.error.code === 'worker_crashed';
    if (hasCrashed) this.#crashes++;
    slot.hasTerminal = true;
    if (slot.hasSettled) this.#free(slot);
    return hasCrashed;
  }

  /** The call's Piscina run has settled; `rejection` is null when it resolved. */
  settled(number: number, rejection: unknown): void {
    if (rejection !== null) this.#rejection ??= rejection;
    const slot = this.#slots.get(number);
    if (!slot) return;
    slot.hasSettled = true;
    if (this.#isClosed) this.#tryGone();
    else if (slot.hasTerminal) this.#free(slot);
    else if (rejection !== null) this.#awaitClose(slot, rejection);
  }

  /** Stops waiting for a run that will not settle by itself. */
  #awaitClose(slot: Slot, rejection: unknown): void {
    setTimeout(() => {
      if (this.#isClosed || this.#slots.get(slot.call.number) !== slot) return;
      this.#listener.orphaned(this, slot.call, rejection);
      this.#free(slot);
    }, LAST_WORD_MS).unref();
  }

  #free(slot: Slot): void {
    const { call } = slot;
    this.#slots.delete(call.number);
    if (call.isExclusive) this.#exclusives--;
    this.#completed++;
    call.attach(null);
    this.#listener.freed(this, call);
  }

  #onClose(): void {
    this.#isClosed = true;
    this.#tryGone();
    if (!this.#isGone) setTimeout(() => this.#beGone(), LAST_WORD_MS).unref();
  }

  #tryGone(): void {
    for (const slot of this.#slots.values()) if (!slot.hasSettled) return;
    this.#beGone();
  }

  #beGone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const lost = [...this.#slots.values()].filter((slot) => !slot.hasTerminal).map((slot) => slot.call);
    this.#slots.clear();
    this.#exclusives = 0;
    for (const call of lost) call.attach(null);
    this.#listener.gone(this, lost, this.#rejection);
  }

  /** Ends every call on the thread: the gateway stops. */
  failAll(): void {
    for (const { call } of [...this.#slots.values()])
      call.cancel('unavailable', 'the gateway is shutting down');
  }

  /** Lets the process end while the thread idles. */
  unref(): void {
    this.#port.unref();
  }

  close(): void {
    this.#port.close();
  }

  stats(): ThreadStats {
    return {
      id: this.id,
      state: this.#state(),
      callsInFlight: this.#slots.size,
      completed: this.#completed,
      crashes: this.#crashes,
      heapUsedBytes: this.heapUsedBytes,
      utilization: Math.round(this.utilization * 1000) / 1000,
      ageSeconds: Math.round((performance.now() - this.#startedAt) / 1000),
    };
  }

  #state(): ThreadStats['state'] {
    if (this.#leaving === 'killed') return 'killed';
    if (this.#leaving !== null) return 'retiring';
    if (!this.#isReady) return 'starting';
    return this.#slots.size > 0 ? 'busy' : 'idle';
  }
}
