/**
 * One thread as the pool sees it: its port, the calls on it, and how it is doing.
 *
 * L1. A call's place on the thread is free again when its terminal frame is in, or when the thread is gone.
 * L2. The thread is gone when its port has closed and its loss is known, at most a second after the first of the
 *     two: frames all arrive before the close, while the loss, which tells the cause, comes up to 30 ms before or after.
 * L3. What one turn of the event loop posts leaves in messages of up to 8 frames: waking a thread costs more than most
 *     frames, but under load it should work beside the gateway, not after it.
 */
import { TransitMap } from '../../../async/transit-map.ts';
import type { ThreadStats } from '../../runner.ts';
import { callTask } from '../call-task.ts';
import type { PoolThread } from '../piscina/piscina-threads.ts';
import type { HostFrame, ThreadFrame } from '../port/frames.ts';
import type { ThreadLoad } from '../thread-choice.ts';
import type { ToolCall } from '../tool-call.ts';

/** Why a thread takes no more calls. */
export type Leaving = 'retired' | 'killed' | 'idle';

export interface LinkListener {
  frame(link: ThreadLink, frame: ThreadFrame): void;
  /** A call's place was freed (L1). */
  freed(link: ThreadLink, call: ToolCall): void;
  /** The thread posted what no thread of ours posts. */
  babbled(link: ThreadLink, error: unknown): void;
  /** The thread is lost: it does nothing more, but what it has said may still be on its way. */
  lost(link: ThreadLink): void;
  /** The thread is gone (L2); `unfinished` are the calls it still had, `loss` says why where it is known. */
  gone(link: ThreadLink, unfinished: readonly ToolCall[], loss: unknown): void;
}

/** What one message holds: a thread that has so much to do begins while the gateway reads on. */
const MOST_FRAMES = 8;

/** How long a lost thread's port close, or a closed one's loss, is waited for. */
const LAST_WORD_MS = 1000;

export class ThreadLink implements ThreadLoad {
  readonly id: number;
  readonly #thread: PoolThread;
  readonly #listener: LinkListener;
  readonly #calls = new TransitMap<number, ToolCall>();
  /** Places on the thread that have been used and are free. */
  readonly #freePlaces: number[] = [];
  readonly #startedAt = performance.now();
  #outgoing: HostFrame[] = [];
  #isPosting = false;
  #isReady = false;
  #leaving: Leaving | null = null;
  /** It stands by for a thread that is about to be killed, and takes no calls before that one is lost. */
  standsBy = false;
  #isPortClosed = false;
  #isLost = false;
  #isGone = false;
  #loss: unknown = null;
  #exclusives = 0;
  #completed = 0;
  #crashes = 0;
  heapUsedBytes = 0;
  utilization = 0;
  /** When the thread last said anything. */
  heardAt = performance.now();
  /** When its last call ended, or it started. */
  #idleSince = performance.now();

  constructor(thread: PoolThread, listener: LinkListener) {
    this.id = thread.id;
    this.#thread = thread;
    this.#listener = listener;
    thread.port.on('message', (frames: ThreadFrame[]) => {
      this.heardAt = performance.now();
      try {
        for (const frame of frames) listener.frame(this, frame);
      } catch (error) {
        listener.babbled(this, error);
      }
    });
    thread.port.once('close', () => this.#onPortClose());
    void thread.lost.then((loss) => this.#onLost(loss));
  }

  /** Whether the thread has loaded its tools. */
  get isReady(): boolean {
    return this.#isReady;
  }

  get isOpen(): boolean {
    return this.#isReady && this.#leaving === null && !this.standsBy && !this.#isPortClosed && !this.#isLost;
  }

  get leaving(): Leaving | null {
    return this.#leaving;
  }

  get calls(): number {
    return this.#calls.size;
  }

  get hasExclusive(): boolean {
    return this.#exclusives > 0 && !this.#isLost;
  }

  /** Whether the thread takes calls and has had none since `time`. */
  isIdleSince(time: number): boolean {
    return this.isOpen && this.#calls.size === 0 && this.#idleSince <= time;
  }

  /** Whether an exclusive call runs: it may block its thread as long as its deadline lets it. */
  get runsExclusive(): boolean {
    if (this.#exclusives === 0) return false;
    for (const call of this.#calls.values()) if (call.isExclusive && call.hasStarted) return true;
    return false;
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
    const count = this.#outgoing.push(frame);
    if (count === MOST_FRAMES) this.#postAll();
    else if (count === 1 && !this.#isPosting) {
      this.#isPosting = true;
      setImmediate(this.#onTurnEnd);
    }
  };

  readonly #onTurnEnd = (): void => {
    this.#isPosting = false;
    if (this.#outgoing.length > 0) this.#postAll();
  };

  #postAll(): void {
    const frames = this.#outgoing;
    this.#outgoing = [];
    if (!this.#isPortClosed) this.#thread.port.postMessage(frames);
  }

  /** Puts a call on the thread. */
  take(call: ToolCall): void {
    const index = this.#freePlaces.pop() ?? this.#calls.size;
    this.#calls.set(call.number, call);
    if (call.isExclusive) this.#exclusives++;
    call.attach({ index, begun: this.#thread.begun, post: this.post });
    this.post(callTask(call, index));
  }

  callOf(number: number): ToolCall | undefined {
    return this.#calls.get(number);
  }

  /** A call that the thread has not begun leaves it. @returns the call, or undefined where it is not there. */
  giveBack(number: number): ToolCall | undefined {
    const call = this.#calls.get(number);
    if (!call) return undefined;
    this.#calls.delete(number);
    if (call.isExclusive) this.#exclusives--;
    this.#freePlaces.push(call.detach());
    return call;
  }

  /** A call's terminal frame is in. @returns whether an error that escaped the call ended it. */
  ended(frame: Extract<ThreadFrame, { type: 'result' | 'error' }>): boolean {
    const call = this.#calls.get(frame.call);
    if (!call) return false;
    const hasCrashed = frame.type === 'error' && frame.error.code === 'worker_crashed';
    if (hasCrashed) this.#crashes++;
    this.#calls.delete(call.number);
    if (call.isExclusive) this.#exclusives--;
    this.#completed++;
    if (this.#calls.size === 0) this.#idleSince = this.heardAt;
    this.#freePlaces.push(call.detach());
    this.#listener.freed(this, call);
    return hasCrashed;
  }

  #onLost(loss: unknown): void {
    this.#loss = loss;
    this.#isLost = true;
    this.#listener.lost(this);
    // A thread that never was ready has said nothing that could still be on its way.
    if (this.#isPortClosed || !this.#isReady) this.#beGone();
    else setTimeout(() => this.#beGone(), LAST_WORD_MS).unref();
  }

  #onPortClose(): void {
    this.#isPortClosed = true;
    if (this.#isLost) this.#beGone();
    else setTimeout(() => this.#beGone(), LAST_WORD_MS).unref();
  }

  #beGone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#thread.port.close();
    const unfinished = this.#calls.values();
    this.#calls.clear();
    this.#exclusives = 0;
    for (const call of unfinished) call.detach();
    this.#listener.gone(this, unfinished, this.#loss);
  }

  /** Ends the thread, whatever runs on it. */
  end(): void {
    this.#thread.end();
  }

  /** Ends every call on the thread for its caller: the gateway stops. */
  failAll(): void {
    for (const call of this.#calls.values()) call.cancel('unavailable', 'the gateway is shutting down');
  }

  stats(): ThreadStats {
    return {
      id: this.id,
      state: this.#state(),
      callsInFlight: this.#calls.size,
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
    if (!this.#isReady || this.standsBy) return 'starting';
    return this.#calls.size > 0 ? 'busy' : 'idle';
  }
}
