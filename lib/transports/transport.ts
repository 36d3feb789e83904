/**
 * The seam for transports: what turns the requests of a protocol into calls, and the events of calls into its bytes.
 *
 * T1. A transport knows the calls, the listening socket and what is here, and no other transport. Its name, options,
 *     statistics and loading are in its folder; the only other place that knows it is one line of index.ts.
 * T2. These types are public, so none of them reaches a package whose types users have not installed (Express, ws).
 */
import type { Readable, Writable } from 'node:stream';
import type { Access } from '../access/access.ts';
import type { Peers } from '../call/peers.ts';
import type { RunningCall } from '../call/running-call.ts';
import type { OptionTable, Rule } from '../config/option.ts';
import type { Calls } from '../dispatch/calls.ts';
import type { HttpRegistration } from './http/registration.ts';
import type { NewsSource } from './news.ts';
import type { ProgressEvent } from './rendering/event-pump.ts';
import type { StreamWatch } from './rendering/stream-watch.ts';
import type { TransportLog } from './rendering/transport-log.ts';
import type { TransportMeter } from './rendering/transport-meter.ts';

/** A way for clients to make calls. `listen()` opens those that are given to `createGateway`. */
export interface Transport<Context extends BaseContext = TransportContext> {
  /** Unlike any other transport's: calls, the log and `/stats` tell it as where a call came from. */
  readonly name: string;
  /**
   * Begins to serve. What throws here must have left nothing open; it ends `listen()`, which closes the transports
   * that were opened before and may be called again: then this is too.
   */
  open(context: Context): void | Promise<void>;
  /** Of a transport with exactly one client: settles when that client has left. */
  readonly closed?: Promise<void> | undefined;
  /** Numbers of its own for `/stats`, beside those of its meter. */
  stats?(): object;
  /** Stops serving: no call runs any more. Settles when every connection is gone. */
  close(): void | Promise<void>;
}

/** How much a call may carry, and how long it may take. */
export interface TransportLimits {
  /** The largest request, in bytes. */
  readonly maxBodyBytes: number;
  /** The largest result, the list of chunks that it repeats included, in bytes. */
  readonly maxResultBytes: number;
  /** The longest list of chunks that the result of a streamed call repeats, in bytes, unless its caller wants more. */
  readonly repeatBytes: number;
  /** After this the gateway ends any call, in milliseconds. */
  readonly callTimeoutMs: number;
  /** So long an ended call is kept for who comes back, in milliseconds. */
  readonly keptMs: number;
}

/** What every transport is opened with. */
export interface BaseContext<Options extends object = object> {
  readonly calls: Calls;
  /** Name and version of the gateway. */
  readonly identity: { readonly name: string; readonly version: string };
  /** Tells the operator. */
  readonly log: TransportLog;
  /** The transport's own: it counts, `/stats` shows it. */
  readonly meter: TransportMeter;
  readonly limits: TransportLimits;
  /** The settings of this transport and of no other. */
  readonly options: Options;
  /** What happens outside any call. */
  readonly news: NewsSource;
  /** Whether the catalog may be replaced while the gateway runs. */
  readonly reloads: boolean;
  /** Whether clients of MCP are told of two tools that find and call all others. */
  readonly toolSearch: boolean;
  /** Other gateways whose clients may come here, and the other way round; none where this one is alone. */
  readonly peers?: Peers | undefined;
}

/** The figures of the gateway for machines that collect them. */
export interface MetricsSource {
  readonly mediaType: string;
  /** As they are now. */
  text(): string;
  close(): void;
}

/** The figures of the gateway as they move. */
export interface FiguresSource {
  /**
   * Calls `listener` with all of them and what is known of the last minutes, at once, and every second with what has
   * moved; each is JSON text. Nothing is gathered while nobody watches.
   * @returns what ends it.
   */
  watch(listener: (text: string) => void): () => void;
  close(): void;
}

/** What a transport for many clients is opened with. */
export interface TransportContext<Options extends object = object> extends BaseContext<Options> {
  /** Who may call, and how often. */
  readonly access: Access;
  /** Looks after streams whose readers are silent, or stand still. */
  readonly watch: StreamWatch;
  /** The gateway's listening socket, for what is spoken over HTTP. It is bound when all transports are open. */
  readonly http: HttpRegistration;
  /** Loads what gathers the gateway's figures; who opens it closes it. */
  openMetrics(): Promise<MetricsSource>;
  /** Loads what watches them as they move; who opens it closes it. */
  openFigures(): Promise<FiguresSource>;
}

/** The two ends of one client. */
export interface ClientStreams {
  readonly stdin: Readable;
  readonly stdout: Writable;
}

/** What a transport for one client on a pair of streams is opened with. */
export interface ConnectContext<Options extends object = object>
  extends BaseContext<Options>,
    ClientStreams {}

export interface PrintOptions {
  /** Where the lines go. */
  readonly output: Writable;
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Runs each write, so that what is drawn on the same terminal can make room. */
  readonly around?: (write: () => void) => void;
}

/** What a transport that writes out one call is opened with; it is `closed` when all is written. */
export interface PrintContext<Options extends object = object> extends BaseContext<Options>, PrintOptions {
  readonly call: RunningCall;
}

/** By what a transport is opened: `listen()`, `connect()` or `print()` of the gateway. */
export interface ContextBy {
  readonly listen: TransportContext;
  readonly connect: ConnectContext;
  readonly print: PrintContext;
}

export type Opening = keyof ContextBy;

/** A transport before its code is loaded: what its folder exports, without loading a package. */
export type TransportEntry<By extends Opening = Opening> = {
  readonly [B in By]: {
    readonly name: string;
    readonly opens: B;
    /** Its part of the table of options: the settings that are handed to it. */
    readonly options: OptionTable;
    /** What its options must be together. */
    readonly rules: readonly Rule[];
    /** Where `/stats` shows the transport's own numbers, when that is a key beside `transports`. */
    readonly statsKey?: string;
    /** Loads the code and makes a transport, which may then be opened once. */
    load(): Promise<Transport<ContextBy[B]>>;
  };
}[By];
