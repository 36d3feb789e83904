/**
 * The composition root: the only place that wires configuration, pool, dispatcher, observers and transports together.
 *
 * G1. Tool code never loads here; of the transports only those that are opened, or announced, are loaded: stdio does
 *     not pay for HTTP. None is named here: transports/index.ts has the list.
 * G2. Observers subscribe; nothing below knows a logger.
 * G3. `close` drains: new calls are refused, running ones finish or end `unavailable`, then transports and threads go.
 * Length: one list of wires; parting it would hide which part gets what.
 */
import { readFileSync } from 'node:fs';
import type { TerminalEvent } from './call/call-events.ts';
import type { Caller } from './call/caller.ts';
import type { ToolDescriptor } from './call/catalog.ts';
import type { LogLevel } from './call/log-level.ts';
import type { CallRequest, RunningCall } from './call/running-call.ts';
import { ToolError } from './call/tool-error.ts';
import { claimDataFolder } from './config/data-folder.ts';
import { checkListening } from './config/load.ts';
import type { Config } from './config/options.ts';
import { readTlsFiles } from './config/tls-files.ts';
import { toolEnvironment } from './config/tool-environment.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import { logCall, logToolRecord } from './observe/call-log.ts';
import { CallStatistics } from './observe/call-statistics.ts';
import { createLogger, type Logger } from './observe/logger.ts';
import { StatusPages } from './observe/status-pages.ts';
import { findToolModules } from './runners/threads/modules/module-paths.ts';
import { type ModuleWatch, watchModules } from './runners/threads/modules/module-watch.ts';
import { WorkerPool } from './runners/threads/worker-pool.ts';
import type { Endpoint } from './transports/http/endpoint.ts';
import type { HttpHost } from './transports/http/http-host.ts';
import { NewsFeed } from './transports/news.ts';
import type { TransportLog } from './transports/rendering/transport-log.ts';
import type { BaseContext, ClientStreams, PrintOptions, Transport } from './transports/transport.ts';
import type { TransportSet } from './transports/transport-set.ts';

/** Where a gateway listens. */
export interface Listening {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** What can be asked there. */
  readonly endpoints: readonly Endpoint[];
}

export interface CallOptions {
  /** Milliseconds from now, the wait for a thread included. Default and upper limit: the tool's and the gateway's own. */
  readonly timeoutMs?: number;
  /** Cancels the call when it aborts. */
  readonly signal?: AbortSignal;
  /** False: only the end is given, with the list of chunks in it. Default: true. */
  readonly streams?: boolean;
}

/** Which code is loaded while the threads load theirs: what `listen()` needs, or what `connect()` does. */
export type Preload = 'listen' | 'connect';

/** What a gateway has besides its configuration. */
export interface Extras {
  readonly preload?: Preload | undefined;
  readonly transports?: readonly Transport[];
}

/** Loads the list of transports, which starts nothing. @throws {ToolError} invalid_arguments for `added` ones. */
async function findTransports(config: Config, { preload, transports: added = [] }: Extras, log: Logger) {
  const [builtIn, { TransportSet: TransportSetClass }] = await Promise.all([
    import('./transports/index.ts'),
    import('./transports/transport-set.ts'),
  ]);
  const all = { builtIn: Object.values(builtIn), added, settings: config, log: transportLog(log) };
  const transports = new TransportSetClass(all);
  if (preload) transports.preload(preload);
  if (preload === 'listen') loadListening().catch(() => undefined); // it fails where it is opened
  return transports;
}

/** What all that listens shares; it takes as long to load as the tools do. */
const loadListening = () =>
  Promise.all([
    import('./access/access.ts'),
    import('./transports/http/http-host.ts'),
    import('./transports/rendering/stream-watch.ts'),
  ]);

/** A gateway whose threads run; made by `createGateway`, ended by `close`. */
export class Gateway {
  /** Every setting as it holds, defaults included. */
  readonly config: Config;
  readonly #pool: WorkerPool;
  readonly #dispatcher: Dispatcher;
  readonly #statistics: CallStatistics;
  readonly #log: Logger;
  readonly #transportLog: TransportLog;
  readonly #transports: TransportSet;
  readonly #news = new NewsFeed();
  /** Where calls from code come from. */
  readonly #callerHere: Caller;
  readonly #pages: StatusPages;
  readonly #watch: ModuleWatch | null;
  /** Set from the call of `listen` on. */
  #listening: Promise<Listening> | null = null;
  #host: HttpHost | null = null;
  #closing: Promise<void> | null = null;

  private constructor(
    config: Config,
    pool: WorkerPool,
    log: Logger,
    modules: readonly string[],
    transports: TransportSet,
  ) {
    this.config = config;
    this.#pool = pool;
    this.#log = log;
    this.#transportLog = transportLog(log);
    this.#transports = transports;
    this.#callerHere = { keyId: 'local', transport: transports.nameOf('print') };
    this.#dispatcher = new Dispatcher({ runner: pool, timeoutMs: config.requestTimeoutMs });
    this.#statistics = new CallStatistics((name) => this.#dispatcher.tool(name) !== undefined);
    this.#pages = new StatusPages({
      ...IDENTITY,
      runner: () => pool.stats(),
      toolCount: () => this.tools().length,
      callsInFlight: () => this.#dispatcher.callsInFlight,
      isDraining: () => this.#dispatcher.isDraining,
    });
    this.#observe();
    this.#watch = config.reload
      ? watchModules(modules, () => void this.reload().catch(() => undefined))
      : null;
  }

  /**
   * Starts the threads and loads the tools; opens no transport yet.
   * @throws {ToolError} `unavailable` when a tool module or the data folder cannot be used, `invalid_arguments` when
   * two transports have one name.
   */
  static async open(config: Config, extras: Extras = {}): Promise<Gateway> {
    const log = await createLogger({ level: config.logLevel, keys: config.apiKeys });
    const modules = [builtInTools, ...findToolModules(config.tools)];
    claimDataFolder(config.dataDir);
    const starting = WorkerPool.start({
      entry: new URL('../workers/piscina-entry.cjs', import.meta.url).href,
      settings: {
        toolModules: modules,
        dataDir: config.dataDir,
        logLevel: config.logLevel.toLowerCase() as LogLevel,
        maxResultBytes: config.maxResultBytes,
      },
      env: toolEnvironment(config.toolEnv),
      minThreads: config.minWorkers,
      maxThreads: config.maxWorkers,
      callsPerThread: config.callsPerWorker,
      heapMb: config.workerHeapMb,
      queueLimit: config.queueLimit,
      queueWaitMs: config.queueWaitMs,
      cancelGraceMs: config.cancelGraceMs,
    });
    // Found while the threads load the tools: it takes as long as a hundredth of the start.
    const finding = findTransports(config, extras, log);
    const [pool, transports] = await Promise.all([starting, finding]).catch(async (error: unknown) => {
      await starting.then((started) => started.close()).catch(() => undefined);
      throw error;
    });
    return new Gateway(config, pool, log, modules, transports);
  }

  #observe(): void {
    const log = this.#log;
    this.#dispatcher.observe({
      started: (call) => this.#statistics.started(call),
      ended: (record) => {
        this.#statistics.ended(record);
        logCall(log, record);
      },
    });
    this.#pool.listen({
      log: (record) => logToolRecord(log, record),
      notice: (notice) => this.#news.notice(notice),
      catalogChanged: () => this.#news.catalogChanged(),
      thread: ({ kind, threadId, detail }) => {
        const level = kind === 'killed' || kind === 'failed' || kind === 'error' ? 'warn' : 'debug';
        log[level]({ thread: threadId, detail }, `thread ${kind}`);
      },
    });
  }

  /** The loaded tools, sorted by name. */
  tools(): readonly ToolDescriptor[] {
    return this.#dispatcher.catalog.tools;
  }

  /**
   * Runs a tool from code: iterate over the events, or await `outcome()`. Leaving the iteration cancels the call.
   * Never throws: a refused call's only event is its error.
   */
  call(name: string, args: Readonly<Record<string, unknown>> = {}, options: CallOptions = {}): RunningCall {
    const { timeoutMs, signal, streams = true } = options;
    const { copy, fault } = copyArguments(args);
    const request: CallRequest = {
      name,
      arguments: copy,
      caller: this.#callerHere,
      streams,
      repeatBytes: streams ? this.config.repeatBytes : this.config.maxResultBytes,
      timeoutMs,
    };
    const call = this.#dispatcher.call(request, fault);
    if (signal) {
      const cancel = () => call.cancel('cancelled', 'the call was cancelled');
      if (signal.aborted) cancel();
      else signal.addEventListener('abort', cancel, { once: true });
      call.onEnd(() => signal.removeEventListener('abort', cancel));
    }
    return call;
  }

  /**
   * Opens the transports: HTTP, SSE, NDJSON, WebSocket and MCP on the configured address, and those that were given
   * to `createGateway`.
   * @throws {ConfigError} when that would leave the gateway open or unreachable.
   * @throws {ToolError} `unavailable` when a TLS file cannot be read or the gateway is closed, `failed_precondition`
   * when it listens, or is about to. Node's own error when the port cannot be had, or what a transport's `open` throws; nothing is open then, and `listen`
   * may be called again.
   */
  async listen(): Promise<Listening> {
    if (this.#closing) throw new ToolError('unavailable', 'the gateway is closed; create another');
    if (this.#listening) throw new ToolError('failed_precondition', 'the gateway listens already');
    this.#listening = this.#listen();
    try {
      return await this.#listening;
    } catch (error) {
      this.#listening = null;
      throw error;
    }
  }

  async #listen(): Promise<Listening> {
    const { config } = this;
    checkListening(config);
    const tls = readTlsFiles(config);
    const [{ Access }, { HttpHost }, { StreamWatch }] = await loadListening();
    const access = new Access({ ...config, keys: config.apiKeys, isSecure: config.tlsCert !== null });
    const base = this.#transportContext();
    const { maxConnections } = config;
    const http = new HttpHost({ ...base, ...tls, access, maxConnections, pages: this.#gatewayPages() });
    const watch = new StreamWatch({ heartbeatMs: SILENCE_MS, stallMs: config.streamStallMs });
    await this.#transports.listen({ ...base, access, watch, http });
    try {
      const { port } = await http.listen(config.host, config.port);
      this.#host = http;
      return { url: urlOf(config, port), host: config.host, port, endpoints: http.endpoints };
    } catch (error) {
      await this.#transports.stopListening();
      throw error;
    }
  }

  #gatewayPages() {
    return {
      info: () => this.#pages.info(),
      health: () => this.#pages.health(),
      stats: () => ({
        ...this.#pages.stats(),
        tools: this.#statistics.snapshot(),
        ...this.#transports.stats(),
      }),
    };
  }

  /** What every transport gets, whatever opens it. */
  #transportContext(): Omit<BaseContext, 'meter' | 'options'> {
    const { maxBodyBytes, maxResultBytes, repeatBytes, requestTimeoutMs, reload } = this.config;
    return {
      calls: this.#dispatcher,
      identity: IDENTITY,
      log: this.#transportLog,
      limits: { maxBodyBytes, maxResultBytes, repeatBytes, callTimeoutMs: requestTimeoutMs },
      news: this.#news,
      reloads: reload,
    };
  }

  /**
   * Serves one MCP client over a pair of streams; settles when the client has left, or the gateway is closed.
   * @throws {ToolError} `unavailable` when the gateway is closed.
   */
  async connect({ stdin, stdout }: ClientStreams): Promise<void> {
    if (this.#closing) throw new ToolError('unavailable', 'the gateway is closed; create another');
    await this.#transports.serve('connect', { ...this.#transportContext(), stdin, stdout });
  }

  /** Writes a call to its end as NDJSON, and gives the end. */
  async print(call: RunningCall, options: PrintOptions): Promise<TerminalEvent> {
    const ended = new Promise<TerminalEvent>((resolve) => call.onEnd(resolve));
    await this.#transports.serve('print', { ...this.#transportContext(), ...options, call });
    return ended;
  }

  /**
   * Loads the tool modules anew and swaps the threads; running calls finish on the old ones.
   * @throws {ToolError} `unavailable` when a module does not load; everything goes on as before then.
   */
  async reload(): Promise<void> {
    try {
      await this.#pool.reload();
      this.#log.info({ tools: this.tools().length }, 'the tools were loaded anew');
    } catch (error) {
      this.#log.error(
        { reason: (error as Error).message },
        'the tools were not loaded anew; the old ones go on',
      );
      throw error;
    }
  }

  /**
   * Stops the gateway: refuses new calls, lets running ones end within `drainMs` (default: `config.drainTimeoutMs`),
   * ends the rest `unavailable`, closes transports and threads. Settles when all is gone; later calls share that promise.
   */
  close({ drainMs = this.config.drainTimeoutMs }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async #close(drainMs: number): Promise<void> {
    this.#watch?.close();
    await this.#dispatcher.drain(drainMs);
    await this.#listening?.catch(() => undefined);
    await Promise.all([this.#transports.close(), this.#host?.close()]);
    await this.#pool.close();
  }
}

/** A copy that the caller cannot change any more, or what keeps the arguments from reaching a thread. */
function copyArguments(args: unknown): { readonly copy: unknown; readonly fault?: ToolError } {
  try {
    return { copy: structuredClone(args) };
  } catch (error) {
    const reason = `the arguments cannot be sent to a thread (${(error as Error).message}); give JSON values`;
    return { copy: {}, fault: new ToolError('invalid_arguments', reason) };
  }
}

const transportLog =
  (log: Logger): TransportLog =>
  (level, message, fields) =>
    log[level === 'warning' ? 'warn' : level](fields ?? {}, message);

/** After so much silence a stream gets a comment, so that nobody in between closes it. */
const SILENCE_MS = 15_000;

/** Where clients on this machine reach the gateway. */
function urlOf({ host, allowedHosts, tlsCert }: Config, port: number): string {
  const isAny = host === '0.0.0.0' || host === '::';
  const name = isAny ? (allowedHosts[0] ?? 'localhost') : host;
  const authority = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
  return `${tlsCert ? 'https' : 'http'}://${authority}:${port}`;
}

const builtInTools = new URL('../workers/tools/index.js', import.meta.url).href;

const IDENTITY = {
  name: 'mcp-streaming-gateway',
  version: String(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version),
};
