/**
 * What crosses a thread's MessagePort. Pure data, loaded by both sides.
 *
 * F1. One port per thread; every call frame names its call by number, unique in the gateway process.
 * F2. Exactly one terminal frame (`result` or `error`) ends a call, and it is the call's last frame.
 * F3. Values travel as JSON text made in the thread (N documents joined by newlines, which JSON text never
 *     contains), so that the gateway pastes and never parses them.
 * F4. Chunk indexes count 0, 1, 2 … without gaps. A thread never has more chunks or bytes outstanding than the
 *     gateway granted; one item larger than the byte credit may go when (almost) nothing is outstanding.
 * F5. The port closing before the terminal frame means the thread died.
 * F6. A thread marks each call as begun, in memory that it shares with the gateway, before the call's tool runs; whatever
 *     becomes of the thread, what has no mark did not run. Only to a streaming caller a frame tells it too.
 * F7. Both sides post an array of frames at a time, in order. The thread's first frame is `hello`.
 * F8. An exclusive call may be posted to a thread that still runs another: it waits there for its turn. Until the thread
 *     claims it (claims.ts) the gateway may take it back; the thread answers `refused` for it then, which frees its place.
 */
import type { MessagePort } from 'node:worker_threads';
import type { AskMethod, ResultShape } from '../../../call/call-events.ts';
import type { Caller, ClientAbilities } from '../../../call/caller.ts';
import type { CallKind, Catalog } from '../../../call/catalog.ts';
import type { LogLevel } from '../../../call/log-level.ts';
import type { CancelReason } from '../../../call/running-call.ts';
import type { WireError } from '../../../call/tool-error.ts';
import type { TraceContext } from '../../../call/trace-context.ts';
import type { ToolNotice } from '../../runner.ts';
import type { Claims } from './claims.ts';

/** How many items and bytes of chunks a thread may still send for a call. */
export interface Credit {
  readonly items: number;
  readonly bytes: number;
}

/**
 * What a call starts with and may have outstanding: several full batches, and little enough that a paused reader
 * costs nothing.
 */
export const CREDIT_WINDOW: Credit = { items: 16384, bytes: 1024 * 1024 };

/**
 * What the gateway may keep unreturned while it waits for more. A thread whose outstanding bytes are within it may
 * send one item larger than its credit; without that, a large item and an unreturned rest would wait for each other.
 */
export const CREDIT_SLACK: Credit = { items: 128, bytes: 64 * 1024 };

/** A thread's task from its start to its end: what it shares with the gateway. */
export interface Shift {
  readonly port: MessagePort;
  /** The number of the call that has begun, for each place on the thread (F6); the number's lowest 32 bits. */
  readonly begun: Int32Array<SharedArrayBuffer>;
  /** Who has the calls that wait on the thread, for each place (F8). */
  readonly claims: Claims;
  /** How many of the thread's messages the gateway has taken in; its lowest 32 bits. Absent: nobody counts. */
  readonly taken?: Int32Array<SharedArrayBuffer>;
  readonly callers: ExpectedCallers;
}

/**
 * Whose calls a thread is going to have, which is what it prepares for before the first: those of one caller alone, so that
 * nothing need be found out between calls (it is no thread for a second one); of who knows whom; of several, as is known.
 */
export type ExpectedCallers = 'one' | 'any' | 'several';

/**
 * Where a thread marks a call as begun (F6) for a gateway in another process, which cannot share memory with it: a file
 * that both have open. What was written to it is there whatever becomes of the process.
 */
export interface BegunMark {
  /** The descriptor, in the process of the thread. */
  readonly fd: number;
  /** The index of the call's place in the file. */
  readonly place: number;
  /** The number that the gateway knows the call by. */
  readonly call: number;
}

/** Starts a call on its thread. */
export interface CallTask {
  readonly type: 'call';
  readonly call: number;
  /** The call's place on the thread: its index in `begun`. */
  readonly place: number;
  readonly callId: string;
  readonly kind: CallKind;
  readonly name: string;
  readonly arguments: unknown;
  readonly caller: Caller;
  /** Whether it has the thread for itself. */
  readonly isExclusive: boolean;
  /** Absent: the client can answer nothing. */
  readonly abilities?: ClientAbilities;
  /** True: chunks and progress are sent as they come. False: only the terminal frame is. */
  readonly streams: boolean;
  /** How many bytes of chunk list the result may repeat; 0 for none. */
  readonly repeatBytes: number;
  /** The least level of log records that the caller wants as events; absent: none. */
  readonly logLevel?: LogLevel;
  /** Request metadata a tool may read: `_meta` of an MCP request. */
  readonly requestMeta?: Readonly<Record<string, unknown>>;
  /** Where the tool's own spans belong. */
  readonly trace?: TraceContext;
  /** Absent: nobody outside of this process asks. */
  readonly mark?: BegunMark;
}

/** Gateway → thread. */
export type HostFrame =
  | CallTask
  | { readonly type: 'cancel'; readonly call: number; readonly reason: CancelReason }
  | { readonly type: 'credit'; readonly call: number; readonly items: number; readonly bytes: number }
  | {
      readonly type: 'answer';
      readonly call: number;
      readonly ask: number;
      readonly value?: unknown;
      readonly error?: WireError;
    }
  | { readonly type: 'ping' }
  | { readonly type: 'describe' };

/** Thread → gateway. */
export type ThreadFrame =
  /** The thread's first word; `failure` says which tool module did not load and why, null when all did. */
  | {
      readonly type: 'hello';
      readonly failure: string | null;
      /** Node's number of the thread, null in another process; and the system's, where the system tells. */
      readonly threadId: number | null;
      readonly kernelId: number | null;
    }
  | { readonly type: 'started'; readonly call: number }
  | {
      readonly type: 'progress';
      readonly call: number;
      readonly progress: number;
      readonly total: number | null;
      readonly message: string;
    }
  | {
      readonly type: 'chunks';
      readonly call: number;
      readonly index: number;
      readonly count: number;
      readonly text: string;
    }
  | {
      readonly type: 'log';
      readonly call: number | null;
      readonly level: LogLevel;
      readonly message: string;
      readonly data?: string;
      /** True: whoever listens to the runner has been told of it by another way. */
      readonly isTold?: boolean;
    }
  | {
      readonly type: 'ask';
      readonly call: number;
      readonly ask: number;
      readonly method: AskMethod;
      readonly params: unknown;
    }
  | { readonly type: 'notice'; readonly notice: ToolNotice }
  | ResultFrame
  | {
      readonly type: 'error';
      readonly call: number;
      readonly chunks: number;
      readonly error: WireError;
      /** How long the tool ran; null when it did not. */
      readonly ranMs: number | null;
    }
  | { readonly type: 'retiring'; readonly reason: string }
  /**
   * The call does not begin here: it was taken back, or what an earlier one has left behind is no place for it. After
   * `retiring`, it never will; else that may end in a moment.
   */
  | { readonly type: 'refused'; readonly call: number }
  | {
      readonly type: 'pong';
      readonly heapUsedBytes: number;
      /** What it holds in all: the heap as it is mapped, and Buffers and the like beside it. */
      readonly heldBytes: number;
      readonly utilization: number;
    }
  | { readonly type: 'described'; readonly catalog: Catalog | null; readonly failure: string | null };

export interface ResultFrame {
  readonly type: 'result';
  readonly call: number;
  /** JSON text of what the tool returned or, when it returned nothing, of the list of its chunks; null when left out. */
  readonly data: string | null;
  /** True when `data` is the repeated list of chunks (or its place, when left out) and not a value of the tool's own. */
  readonly repeats: boolean;
  readonly shape: ResultShape;
  readonly chunks: number;
  /** JSON text of `ctx.meta`, when the tool put something there. */
  readonly meta: string | null;
  /** How long the tool ran. */
  readonly ranMs: number;
}

/** What every thread is started with (`workerData`). */
export interface ThreadSettings {
  /** URLs of the modules to load, in order; of folders of them, with a slash at the end. */
  readonly toolModules: readonly string[];
  /** The folder where built-in tools keep their data. */
  readonly dataDir: string;
  /** The database of the journeys, in place of a file there. */
  readonly journeysUrl?: string;
  /** The least level that the gateway's log keeps; records below it are not sent. */
  readonly logLevel: LogLevel;
  /** Cap of one chunk and of a returned value, in bytes of JSON. */
  readonly maxResultBytes: number;
  /** WORKER_HEAP_MB: what a thread may hold, far below V8's own limit. */
  readonly heapMb: number;
}
