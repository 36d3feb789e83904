/**
 * The seam for what runs tools. The dispatcher and the transports know a runner by this alone; threads, processes,
 * mounted servers and queues are a runner's own business.
 *
 * N1. A runner knows its catalog, and every name in it is its own: the dispatcher routes calls by these names, and
 *     refuses two runners that offer the same.
 * N2. `call` never throws. Its calls keep the promises of `RunningCall`: back-pressure, exactly one end, cancel at any
 *     time.
 * N3. What a runner tells its listeners harms nobody: a listener that throws is told on as a `defect`, no more.
 * N4. Adding one is a folder and a line in index.ts; test/runners/runner-behaviour.ts is the suite that it has to pass.
 */

import type { DurationCounts, Percentiles } from '../async/duration-histogram.ts';
import type { Caller } from '../call/caller.ts';
import type { Catalog } from '../call/catalog.ts';
import type { LogLevel } from '../call/log-level.ts';
import type { CallRequest, RunningCall } from '../call/running-call.ts';
import type { ToolError } from '../call/tool-error.ts';
import type { TraceContext } from '../call/trace-context.ts';

export type { DurationCounts, Percentiles } from '../async/duration-histogram.ts';

/** One limit of a call. */
export interface RateLimit {
  /** Whose calls are counted together. */
  readonly subject: 'key' | 'tool';
  readonly name: string;
  /** Calls a window of one second. */
  readonly calls: number;
}

/** A call with its id, as a runner gets it. Its `trace` is what its tool is told, unless `runs` says otherwise. */
export type AdmittedCall = CallRequest & {
  /** What the call counts against besides, where a runner counts for several gateways. Absent: nothing. */
  readonly limits?: readonly RateLimit[] | undefined;
  readonly callId: string;
  /** To be called when the call is given to its tool, each time; never throws. Absent: nobody wants to know. */
  readonly runs?: (() => TraceContext | undefined) | undefined;
};

/** Something a tool tells the whole gateway, outside any call's stream. */
export type ToolNotice =
  | { readonly type: 'resource-updated'; readonly uri: string }
  | { readonly type: 'resources-changed' };

/** A log record of a tool, on its way to the gateway's log. `callId` is null outside any call. */
export interface ToolLogRecord {
  readonly callId: string | null;
  readonly tool: string | null;
  readonly level: LogLevel;
  readonly message: string;
  /** JSON text. */
  readonly data?: string;
}

/** Something that happened to a part of a runner, such as a thread: it started, ended, was killed. */
export interface UnitEvent {
  /** What kind of part it is: `thread`, `process`. */
  readonly unit: string;
  /** Unique among the runner's parts of that kind; -1 where it is not known which one it was. */
  readonly id: number;
  readonly kind: string;
  /** Whether an operator should look at it. */
  readonly isTrouble: boolean;
  readonly detail: string;
}

/** What must not happen in code of ours, and neither a caller nor a tool is to blame for. */
export interface Defect {
  /** What was being done: `an observer of "ended"`, `a frame of type "chunks"`. */
  readonly during: string;
  readonly error: unknown;
  /** The call that it ended, or came up in; null where it is none's. */
  readonly callId: string | null;
}

/** What a runner tells whoever listens. */
export interface RunnerListener {
  log?(record: ToolLogRecord): void;
  notice?(notice: ToolNotice): void;
  /** The runner's `catalog` is another one now. */
  catalogChanged?(catalog: Catalog): void;
  /** What the runner loaded has changed where it came from: it asks to be reloaded. */
  reloadWanted?(): void;
  unit?(event: UnitEvent): void;
  defect?(defect: Defect): void;
}

/** What is counted of a server that a runner reaches. */
export interface ServerFigures {
  readonly isUp: boolean;
  readonly callsInFlight: number;
  /** Connections that were lost, or not to be had. */
  readonly failures: number;
  readonly processes: number;
  readonly residentBytes: number;
}

/** `ok`: all is there; `degraded`: calls are served, by less than there should be; `down`: none can be. */
export type RunnerStatus = 'ok' | 'degraded' | 'down';

/** A fleet in numbers, as this member sees it; what is counted is what its living members have counted. */
export interface FleetFigures {
  readonly isRedisUp: boolean;
  readonly hosts: Readonly<Record<string, number>>;
  readonly gateways: number;
  /** Calls that the hosts take at a time, and those that they run. */
  readonly capacity: number;
  readonly busy: number;
  /** How long the call has waited that waits longest. */
  readonly oldestMs: number;
  /** Calls that a host took over from one that was lost. */
  readonly takeovers: number;
  /** Writes of a superseded run, which were refused. */
  readonly fencedWrites: number;
  /** What was written again because Redis had not taken it. */
  readonly refills: number;
  /** How often events were fetched that this member had not heard. */
  readonly resyncs: number;
  /** Workers of the queue that had stood still and were made anew. */
  readonly recreatedWorkers: number;
}

/** What any runner knows of itself in numbers, and what only a runner of its kind has. */
export interface RunnerStats {
  /** As `health()` tells it. */
  readonly status: RunnerStatus;
  /** Calls that wait or run. */
  readonly callsInFlight: number;
  /** Calls that wait, and how many may. */
  readonly queue: { readonly depth: number; readonly limit: number };
  /** Milliseconds from a call's admission until its tool ran, over the last five to ten minutes. */
  readonly waitMs: Percentiles;
  /** The same since the start, counted. Absent: it does not count them. */
  readonly waits?: DurationCounts;
  /** Milliseconds that tools ran, over the last five to ten minutes. */
  readonly runMs: Percentiles;
  /** Servers that it reaches, by their name. Absent: it has none. */
  readonly servers?: Readonly<Record<string, ServerFigures>>;
  /** Of the fleet that runs its calls. Absent: it runs them itself. */
  readonly fleet?: FleetFigures;
  /** How many of its parts, such as threads, are in each state. Absent: it has none. */
  readonly units?: Readonly<Record<string, number>>;
  /** Its own part: JSON values under names of its choice. */
  readonly own: {
    /** A few figures that anybody may see, without a key: for `GET /` and `GET /health`. */
    readonly summary: Readonly<Record<string, unknown>>;
    /** The rest, for `GET /stats`. */
    readonly details: Readonly<Record<string, unknown>>;
  };
}

/** What keeps a runner from starting that its user has written; a sentence each. */
export class StartFault extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** What has tools and runs calls. */
export interface Runner {
  /** Unique in a gateway. */
  readonly name: string;
  /** The same object until it changes; then `catalogChanged` is told. */
  readonly catalog: Catalog;
  /** Why it does not know what it has yet: what it is asked for may be there. Absent or undefined: it knows. */
  readonly catalogTrouble?: ToolError | undefined;
  /** True while it has nothing to run, nor anything running: it is left out of what the gateway shows. Absent: never. */
  readonly isDormant?: boolean;
  /** True: its names are chosen elsewhere, so where another runner has one of them too, that one keeps it. Absent: no. */
  readonly yieldsNames?: boolean;
  /** Never throws: a call that cannot be admitted is a call whose only event is its error. */
  call(request: AdmittedCall): RunningCall;
  health(): RunnerStatus;
  stats(): RunnerStats;
  /** @returns what ends the listening. */
  listen(listener: RunnerListener): () => void;
  /** Settles when what it is still looking for is known, or cannot be. Absent: its catalog is whole from the start. */
  settled?(): Promise<void>;
  /** Takes definitions as they are now that were refused since they had changed. @returns how many, by whose they are. */
  acceptChanges?(of?: string): Promise<Readonly<Record<string, number>>>;
  /** Begins to watch a resource of its own, whose news it then tells. @returns what ends that. Absent: it always does. */
  watch?(uri: string): () => void;
  /** A client's session has ended: what is kept for it alone is needed no more. Absent: nothing is. */
  sessionEnded?(caller: Caller): void;
  /**
   * Loads its tools anew; calls that run finish with what they began with. Absent: its tools do not come from code
   * that could be loaded again.
   * @param accept throws where the new catalog cannot be taken in; the runner then stays as it was.
   * @throws {ToolError} `unavailable` when the tools do not load, or what `accept` threw; all goes on as before then.
   */
  reload?(accept: (catalog: Catalog) => void): Promise<void>;
  /**
   * Ends what still runs with `unavailable` and frees everything.
   * @param graceMs how long cancelled calls may take to stop meanwhile. Default: the runner's own grace.
   */
  close(graceMs?: number): Promise<void>;
}

/** Definitions that a runner is asked to run from now on, until that is decided. */
export interface Proposal {
  accept(): void;
  withdraw(): void;
}

/**
 * Where the runner that loads the tool modules leaves what another is to run. All of it each time: what was left before
 * and is not among it goes.
 */
export interface HandOver {
  /** The taker's catalog is the proposed one at once, so that all catalogs can be looked at together. */
  propose(catalog: Catalog): Proposal;
  /** Makes `taker` the one who takes it. */
  take(taker: (catalog: Catalog) => Proposal): void;
}

/** What a runner is started with beside its options. */
export interface StartContext {
  /** Of the gateway's log: tools need not send records below it. */
  readonly logLevel: LogLevel;
  /** Cap of one chunk and of a returned value, in bytes of JSON. */
  readonly maxResultBytes: number;
  /** The module that a thread starts with, by URL: what runs tools stands outside of lib. */
  readonly entry: string;
  /** The module of the built-in tools, by URL. */
  readonly builtInTools: string;
  /** Whether the gateway was given runners, whose tools are its user's own. */
  readonly hasOtherTools: boolean;
  /** Whether all calls are going to be of one caller, as far as the configuration tells. */
  readonly hasOneCaller: boolean;
  /** Of the gateway. */
  readonly version: string;
  /** Keeps texts out of the log, from now on. */
  hide(secrets: readonly string[]): void;
  /** For definitions that are loaded by one runner and run by another. */
  readonly handOver: HandOver;
}

/** A kind of runner, as the list names it. Loading it must not load what it runs with. */
export interface RunnerKind<Options extends object, Rules, Config extends object> {
  /** The lowest of those that start is shown first, and asked for what no runner has. */
  readonly order: number;
  /** Its part of the table of options. */
  readonly options: Options;
  /** What its options must be together. */
  readonly rules: Rules;
  /** Whether its options give it tools of their own, so that the built-in ones need not be there. Absent: never. */
  bringsTools?(config: Config): boolean;
  /** Loads its code. */
  load(): Promise<{
    /**
     * @returns null where the options leave it nothing to do.
     * @throws {ToolError} `unavailable` with the reason and the next step when its tools cannot be loaded.
     */
    start(config: Config, context: StartContext): Promise<Runner | null>;
  }>;
}
