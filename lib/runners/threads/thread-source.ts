/**
 * Where a crew's threads come from: Piscina, or whatever else gives something that takes calls over a port as a thread
 * does.
 */
import type { GuardedList } from '../../async/guarded-list.ts';
import type { RunnerListener } from '../runner.ts';
import type { Claims } from './port/claims.ts';
import type { ExpectedCallers, HostFrame, Shift } from './port/frames.ts';

/** The gateway's end of a thread's port. */
export interface ThreadPort {
  /** Arrays of frames, in order. */
  on(event: 'message', listener: (frames: unknown) => void): unknown;
  /** Lets `listener` have what has come by now, not when the event loop gets there. Absent: it cannot. */
  hear?(): void;
  /** After the last message. */
  once(event: 'close', listener: () => void): unknown;
  postMessage(frames: readonly HostFrame[]): void;
  close(): void;
}

/** One thread, from the request for it on. */
export interface PoolThread {
  /** Threads count 1, 2, 3 … in the order they were asked for. */
  readonly id: number;
  /** The process whose main thread it is; absent: it is a thread of this one. */
  readonly pid?: number | undefined;
  /** Open from the start; what is posted before the thread reads is kept. */
  readonly port: ThreadPort;
  readonly begun: Shift['begun'];
  /** Brings `begun` up to date, which it is at the latest when the thread is lost. Absent: it always is. */
  refresh?(): void;
  /** Absent: no call waits there for another, since it could not be taken back. */
  readonly claims?: Claims;
  /** When the thread is lost: what is known of it, such as a `Death`. Never rejects. */
  readonly lost: Promise<unknown>;
  /** Ends it, whatever it does. */
  end(): void;
}

export interface ThreadSource {
  /** Threads that live or start. */
  readonly count: number;
  /** Those beside them that were ended and live on: nothing can end a thread that is in native code. */
  readonly stuck: number;
  /** False while starting one would be in vain. */
  readonly mayStart: boolean;
  /** Why none is going to be of use, once one has ended before it was; null where the next may well be. */
  readonly trouble: string | null;
  /**
   * Starts one more thread.
   * @param callers see Shift; a source that finds out by itself need not be told.
   */
  spawn(callers: ExpectedCallers): PoolThread;
  /** Ends them all; settles when nothing is left of them, but for those that cannot be ended. */
  destroy(): Promise<void>;
}

/** What a source needs of its crew. */
export interface SourceHost {
  /** Told of errors that belong to no thread. */
  onError(error: unknown): void;
  /** Whoever listens to the runner. */
  readonly listeners: GuardedList<RunnerListener>;
}
