/**
 * One thread as the pool sees it: its port, the calls on it, and how it is doing. Where it is in its life is thread-life's
 * to say.
 *
 * L1. A call's place on the thread is free again when its terminal frame is in, or when the thread is gone.
 * L2. The thread is to blame for what is no frame, and for nothing else: what is thrown while a frame is handled is a
 *     defect of ours.
 * L3. What one turn of the event loop posts leaves in messages of up to 8 frames: waking a thread costs more than most
 *     frames, but under load it should work beside the gateway, not after it. When one is full, what waits for other
 *     threads leaves too (post-turn.ts).
 * L4. Exclusive calls may wait in line on the thread (port/frames F8). One that is taken back is another thread's at once;
 *     its place here is free when this thread has answered.
 * L5. A thread that has many calls is heard while more of them come, before the turn ends: their requests and answers would
 *     all be held until then, and be promoted to the old generation at that.
 */
import { AsyncResource } from 'node:async_hooks';
import { TransitMap } from '../../../async/transit-map.ts';
import { callTask } from '../call-task.ts';
import { FailureStreak } from '../ending/failure-streak.ts';
import { starvedMs } from '../memory/kernel-thread.ts';
import type { WatchedThread } from '../memory/memory-watch.ts';
import { takeBack, vacate } from '../port/claims.ts';
import { isThreadFrame } from '../port/frame-check.ts';
import type { HostFrame, ThreadFrame } from '../port/frames.ts';
import type { ThreadLoad } from '../thread-choice.ts';
import type { PoolThread } from '../thread-source.ts';
import type { ToolCall } from '../tool-call.ts';
import type { ThreadStats } from './crew-stats.ts';
import type { PostTurn } from './post-turn.ts';
import { ThreadLife } from './thread-life.ts';

export interface LinkListener {
  frame(link: ThreadLink, frame: ThreadFrame): void;
  /** A call's place was freed (L1). */
  freed(link: ThreadLink, call: ToolCall): void;
  /** The thread posted what no thread of ours posts. */
  impossible(link: ThreadLink, frame: unknown): void;
  /** `frame` threw, or, with no frame, the thread's life does not add up. */
  defect(link: ThreadLink, frame: ThreadFrame | null, error: unknown): void;
  /** The thread is lost: it does nothing more, but what it has said may still be on its way. */
  lost(link: ThreadLink): void;
  /** The thread is gone; `unfinished` are the calls it still had, `loss` says why where it is known. */
  gone(link: ThreadLink, unfinished: readonly ToolCall[], loss: unknown): void;
}

/** What one message holds: a thread that has so much to do begins while the gateway reads on. */
const MOST_FRAMES = 8;
/** From so many calls on, what a thread has said is worth looking for (L5). */
const MANY_CALLS = 20;
/** So many calls of a thread are named in its figures. */
const CALLS_SHOWN = 4;

export class ThreadLink implements ThreadLoad, WatchedThread {
  readonly id: number;
  threadId: number | null = null;
  kernelId: number | null = null;
  lastKey: string | null = null;
  readonly life: ThreadLife;
  readonly #thread: PoolThread;
  readonly #listener: LinkListener;
  readonly #turn: PostTurn;
  readonly #calls = new TransitMap<number, ToolCall>();
  /** The numbers of those whose tools are not quick. */
  readonly #slow = new Set<number>();
  /** Places on the thread that have been used and are free. */
  readonly #freePlaces: number[] = [];
  /** The places of calls that were taken back, by their numbers (L4). */
  readonly #vacating = new Map<number, number>();
  readonly #startedAt = performance.now();
  #outgoing: HostFrame[] = [];
  #exclusives = 0;
  #completed = 0;
  #crashes = 0;
  heapUsedBytes = 0;
  heldBytes = 0;
  utilization = 0;
  readonly failures = new FailureStreak();
  /** When the thread last said anything. */
  heardAt = performance.now();
  takenAt = 0;
  expectedMs = 0;
  /** When its last call ended, or it had loaded. */
  #idleSince = performance.now();

  /** @param turn shared by all threads of a crew. */
  constructor(thread: PoolThread, turn: PostTurn, listener: LinkListener) {
    this.id = thread.id;
    this.#turn = turn;
    this.#thread = thread;
    this.#listener = listener;
    this.life = new ThreadLife({
      lost: () => listener.lost(this),
      gone: (loss) => this.#onGone(loss),
      impossible: (error) => listener.defect(this, null, error),
    });
    thread.port.on('message', (frames: unknown) => this.#onMessage(frames));
    thread.port.once('close', () => this.life.closePort());
    void thread.lost.then((loss) => this.life.lose(loss));
  }

  #onMessage(frames: unknown): void {
    if (this.life.state === 'gone') return; // nobody knows it any more
    const now = performance.now();
    if (!Array.isArray(frames)) return this.#listener.impossible(this, frames);
    for (const frame of frames as readonly unknown[]) {
      if (!isThreadFrame(frame)) return this.#listener.impossible(this, frame);
      // A thread that does nothing but complain is not alive.
      if (frame.type !== 'log') this.heardAt = now;
      try {
        this.#listener.frame(this, frame);
      } catch (error) {
        this.#listener.defect(this, frame, error);
      }
    }
  }

  /** In the context of its port's events: what asked for it is the caller of one call among many. */
  readonly #hear = AsyncResource.bind(() => this.#thread.port.hear?.());

  get isOpen(): boolean {
    return this.life.isOpen;
  }

  /** It has loaded its tools, or could not, as it says. */
  load({ threadId, kernelId }: Extract<ThreadFrame, { readonly type: 'hello' }>): void {
    this.threadId = threadId;
    this.kernelId = kernelId;
    this.life.load();
    this.#idleSince = performance.now();
  }

  /** What it says of itself each second. */
  note({ heapUsedBytes, heldBytes, utilization }: Extract<ThreadFrame, { readonly type: 'pong' }>): void {
    this.heapUsedBytes = heapUsedBytes;
    this.heldBytes = heldBytes;
    this.utilization = utilization;
  }

  get calls(): number {
    return this.#calls.size;
  }

  get hasSlow(): boolean {
    return this.#slow.size > 0;
  }

  get silentSince(): number {
    return Math.max(this.heardAt, this.takenAt);
  }

  get hasExclusive(): boolean {
    return this.#exclusives > 0 && this.life.state !== 'lost';
  }

  /** How many exclusive calls wait in line, at most. */
  get queued(): number {
    return Math.max(0, this.#exclusives - 1);
  }

  get canQueue(): boolean {
    return this.#thread.claims !== undefined && this.#vacating.size === 0;
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

  /** For how long it has waited for a processor in its life; 0 where the system does not tell. */
  starvedMs(): number {
    const { pid } = this.#thread;
    return starvedMs(pid ?? this.kernelId, pid) ?? 0;
  }

  readonly post = (frame: HostFrame): void => {
    const count = this.#outgoing.push(frame);
    if (count === 1) this.#turn.add(this);
    else if (count === MOST_FRAMES) this.#turn.flush();
  };

  /** Posts what waits for the end of the turn. */
  flush(): void {
    const frames = this.#outgoing;
    if (frames.length === 0) return;
    this.#outgoing = [];
    if (this.life.canHear) this.#thread.port.postMessage(frames);
  }

  /** Puts a call on the thread. @param now by `performance.now()`. */
  take(call: ToolCall, now = performance.now()): void {
    if (this.#calls.size === 0) this.takenAt = now;
    const index = this.#freePlaces.pop() ?? this.#calls.size + this.#vacating.size;
    this.#calls.set(call.number, call);
    this.lastKey = call.request.caller.keyId;
    if (call.isExclusive) this.#exclusives++;
    call.expectedMs = call.speed?.expectedMs ?? 0;
    if (call.speed?.isQuick) this.expectedMs += call.expectedMs;
    else this.#slow.add(call.number);
    call.attach({ index, thread: this.#thread, post: this.post });
    this.post(callTask(call, index));
    const hasPosted = this.#outgoing.length === 0;
    if (hasPosted && this.#calls.size >= MANY_CALLS) queueMicrotask(this.#hear); // L5
  }

  callOf(number: number): ToolCall | undefined {
    return this.#calls.get(number);
  }

  /** The thread has refused a call, which leaves it. @returns the call, or undefined where it is not there. */
  giveBack(number: number): ToolCall | undefined {
    if (this.#vacated(number)) return undefined;
    const call = this.#calls.get(number);
    if (call) this.#free(this.#remove(call));
    return call;
  }

  /** Takes a call back that waits in line. @returns false where it is no more, or is not here. */
  takeBack(call: ToolCall): boolean {
    const { claims } = this.#thread;
    const index = call.placeIndex;
    if (!claims || index === null || !call.isExclusive || this.#calls.get(call.number) !== call) return false;
    if (!takeBack(claims, index, call.number)) return false;
    this.#vacating.set(call.number, this.#remove(call));
    return true;
  }

  /** Takes back all that wait in line. @returns them, the first in line first. */
  takeBackLine(): ToolCall[] {
    if (this.queued === 0) return [];
    return this.#calls.values().filter((call) => this.takeBack(call));
  }

  /** @returns the index of the place that the call had. */
  #remove(call: ToolCall): number {
    this.#calls.delete(call.number);
    if (call.isExclusive) this.#exclusives--;
    if (!this.#slow.delete(call.number)) this.expectedMs -= call.expectedMs;
    if (this.#calls.size === 0) this.expectedMs = 0;
    return call.detach();
  }

  #free(place: number): void {
    if (this.#thread.claims) vacate(this.#thread.claims, place);
    this.#freePlaces.push(place);
  }

  /** Whether the thread has answered for a call that was taken back, which may be here again meanwhile. */
  #vacated(number: number): boolean {
    const place = this.#vacating.get(number);
    if (place === undefined) return false;
    this.#vacating.delete(number);
    this.#free(place);
    return true;
  }

  /** A call's terminal frame is in. @returns whether an error that escaped the call ended it. */
  ended(frame: Extract<ThreadFrame, { type: 'result' | 'error' }>): boolean {
    const call = this.#calls.get(frame.call);
    if (!call) return false;
    const place = this.#remove(call);
    const hasCrashed = frame.type === 'error' && frame.error.code === 'worker_crashed';
    if (hasCrashed) this.#crashes++;
    this.#completed++;
    if (this.#calls.size === 0) this.#idleSince = this.heardAt;
    else this.takenAt = this.heardAt; // the next of a line may have begun
    this.#free(place);
    this.#listener.freed(this, call);
    return hasCrashed;
  }

  #onGone(loss: unknown): void {
    this.#thread.port.close();
    const unfinished = this.#calls.values();
    this.#calls.clear();
    this.#slow.clear();
    this.#exclusives = 0;
    for (const call of unfinished) call.detach();
    this.#listener.gone(this, unfinished, loss);
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
      calls: this.#firstCalls(),
      completed: this.#completed,
      crashes: this.#crashes,
      heapUsedBytes: this.heapUsedBytes,
      utilization: Math.round(this.utilization * 1000) / 1000,
      ageSeconds: Math.round((performance.now() - this.#startedAt) / 1000),
    };
  }

  #firstCalls(): ThreadStats['calls'] {
    const calls = this.#calls.size === 0 ? [] : this.#calls.values();
    return calls.slice(0, CALLS_SHOWN).map(({ callId, request: { name } }) => ({ callId, name }));
  }

  #state(): ThreadStats['state'] {
    const { leaving, hasLoaded, state } = this.life;
    if (leaving !== null) return leaving === 'killed' ? 'killed' : 'retiring';
    if (!hasLoaded || state === 'standing by') return 'starting';
    return this.#calls.size > 0 ? 'busy' : 'idle';
  }
}
