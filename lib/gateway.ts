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
import { KeyBook } from './access/key-book.ts';
import { KeyFileError } from './access/key-files.ts';
import { SHORTEST_KEY } from './access/options.ts';
import type { TerminalEvent } from './call/call-events.ts';
import type { Caller } from './call/caller.ts';
import type { ToolDescriptor } from './call/catalog.ts';
import type { LogLevel } from './call/log-level.ts';
import type { CallRequest, RunningCall } from './call/running-call.ts';
import { ToolError } from './call/tool-error.ts';
import { ConfigError } from './config/config-error.ts';
import { checkAlone, checkListening } from './config/load.ts';
import type { Config } from './config/options.ts';
import { expectsOneCaller, openAddress } from './config/rules.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import type { CallHistory } from './dispatch/history/call-history.ts';
import { MemoryHistory } from './dispatch/history/memory-history.ts';
import type { GatewayObserver } from './dispatch/observers.ts';
import type { PolicyOptions, ToolPolicyView } from './dispatch/policy/tool-policies.ts';
import type { Fleet } from './fleet/gateway/open-fleet.ts';
import { callLog, logDefect, logToolRecord, unitLog } from './observe/call-log.ts';
import { CallStatistics, type ToolStatistics } from './observe/call-statistics.ts';
import { type LibuvWatch, watchLibuv } from './observe/libuv-watch.ts';
import { createLogger, type Logger } from './observe/logger.ts';
import { StatusPages } from './observe/status-pages.ts';
import { openTracing } from './observe/tracing/open-tracing.ts';
import { LeftOver } from './runners/catalog-handover.ts';
import * as runnerKinds from './runners/index.ts';
import { type Runner, type StartContext, StartFault } from './runners/runner.ts';
import type { Endpoint } from './transports/http/endpoint.ts';
import type { HttpHost } from './transports/http/http-host.ts';
import type { SocketKeeper } from './transports/http/server.ts';
import { readTlsFiles, watchTlsFiles } from './transports/http/tls-files.ts';
import * as builtInTransports from './transports/index.ts';
import { NewsFeed } from './transports/news.ts';
import type { TransportLog } from './transports/rendering/transport-log.ts';
import type {
  BaseContext,
  ClientStreams,
  FiguresSource,
  MetricsSource,
  PrintOptions,
  Transport,
} from './transports/transport.ts';
import { TransportSet } from './transports/transport-set.ts';

/** Where a gateway listens. */
export interface Listening {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** What can be asked there. */
  readonly endpoints: readonly Endpoint[];
}

export interface ListenOptions {
  /** Where the listening socket outlives this process. Default: nowhere, it ends with the gateway. */
  readonly keeper?: SocketKeeper;
}

export interface CallOptions {
  /** Milliseconds from now, the wait for a thread included. Default and upper limit: the tool's and the gateway's own. */
  readonly timeoutMs?: number;
  /** Cancels the call when it aborts. */
  readonly signal?: AbortSignal;
  /** False: only the end is given, with the list of chunks in it. Default: true. */
  readonly streams?: boolean;
}

/** How long a gateway may take to stop, in milliseconds. */
export interface CloseOptions {
  /** Until running calls are cancelled. */
  readonly drainMs?: number;
  /** Until threads whose tools do not heed that are ended. */
  readonly graceMs?: number;
}

/** Which code is loaded while the threads load theirs: what `listen()` needs, or what `connect()` does. */
export type Preload = 'listen' | 'connect';

/** What a gateway knows of itself in numbers; the rest is what its runners tell. */
export interface GatewayStats {
  /** By name. */
  readonly tools: Readonly<Record<string, ToolStatistics & ToolPolicyView>>;
  /** How often observers have failed, by the method that did. */
  readonly observerFailures: Readonly<Record<string, number>>;
  /** What must not have happened inside the gateway, failed observers included; the log has each. */
  readonly defects: number;
  readonly [figure: string]: unknown;
}

/** What a gateway has besides its configuration. */
export interface Extras {
  readonly preload?: Preload | undefined;
  /** Default: true. */
  readonly makesCalls?: boolean | undefined;
  readonly transports?: readonly Transport[];
  /** Beside those of the configuration; they are closed with the gateway. */
  readonly runners?: readonly Runner[];
}

/** What all that listens shares; it takes as long to load as the tools do. */
const loadListening = () =>
  Promise.all([
    import('./access/access.ts'),
    import('./transports/http/http-host.ts'),
    import('./transports/rendering/stream-watch.ts'),
  ]);

interface GatewayParts {
  readonly dispatcher: Dispatcher;
  readonly log: Logger;
  readonly transports: TransportSet;
  readonly keys: KeyBook;
  readonly fleet: Fleet | null;
  readonly hosted: readonly Runner[];
}

/** A gateway whose runners run; made by `createGateway`, ended by `close`. */
export class Gateway {
  /** Every setting as it holds, defaults included. */
  readonly config: Config;
  readonly #dispatcher: Dispatcher;
  readonly #statistics: CallStatistics;
  readonly #log: Logger;
  readonly #transportLog: TransportLog;
  readonly #transports: TransportSet;
  readonly #news = new NewsFeed();
  readonly #keys: KeyBook;
  /** This process's part in a fleet; null where there is none. */
  readonly #fleet: Fleet | null;
  /** Runners of its host, which the dispatcher does not see. */
  readonly #hosted: readonly Runner[];
  #tlsWatch: { close(): void } | undefined;
  /** Where calls from code come from. */
  readonly #callerHere: Caller;
  readonly #pages: StatusPages;
  readonly #libuv: LibuvWatch;
  /** Set from the call of `listen` on. */
  #listening: Promise<Listening> | null = null;
  #host: HttpHost | null = null;
  #closing: Promise<void> | null = null;
  #defects = 0;

  private constructor(config: Config, { dispatcher, log, transports, keys, fleet, hosted }: GatewayParts) {
    this.config = config;
    this.#fleet = fleet;
    this.#hosted = hosted;
    this.#keys = keys;
    this.#log = log;
    this.#transportLog = transportLog(log);
    this.#transports = transports;
    this.#callerHere = { keyId: 'local', transport: transports.nameOf('print') };
    this.#dispatcher = dispatcher;
    this.#statistics = new CallStatistics((name) => dispatcher.tool(name) !== undefined);
    this.#libuv = watchLibuv(log);
    this.#pages = new StatusPages({
      ...IDENTITY,
      runners: () => dispatcher.stats(),
      health: () => dispatcher.health(),
      isLibuvStalled: () => this.#libuv.isStalled,
      toolCount: (keyId) =>
        (keyId === undefined ? dispatcher.catalog : dispatcher.catalogOf(keyId)).tools.length,
      callsInFlight: () => dispatcher.callsInFlight,
      isDraining: () => dispatcher.isDraining,
      openBreakers: () => dispatcher.openBreakers,
    });
    this.#watch();
  }

  /**
   * Starts the runners, which load the tools; opens no transport yet.
   * @throws {ConfigError} when there would be no tools at all.
   * @throws {ToolError} `unavailable` when a tool module cannot be used or DATA_DIR is no folder's path, or two runners offer the
   * same, `invalid_arguments` when two transports have one name; runners that were given stay open then.
   */
  static async open(config: Config, extras: Extras = {}): Promise<Gateway> {
    const { preload, makesCalls = true, transports: added = [], runners: more = [] } = extras;
    if (more.length === 0) checkAlone(config);
    const keys = new KeyBook({
      ...config,
      shortestKey: openAddress(config) === undefined ? 1 : SHORTEST_KEY,
    });
    const hidden = new HiddenTexts();
    const [log, { ToolPolicies }, ...kinds] = await Promise.all([
      createLogger({ level: config.logLevel, keys: () => hidden.with(keys.secrets) }),
      import('./dispatch/policy/tool-policies.ts'),
      ...Object.values(runnerKinds)
        .sort((one, other) => one.order - other.order)
        .map((kind) => kind.load()),
    ]);
    const isWorker = config.redisUrl !== '' && config.role === 'worker';
    const { prometheus, terminal } = builtInTransports;
    const builtIn = isWorker ? [prometheus, terminal] : Object.values(builtInTransports);
    const transports = new TransportSet({ builtIn, added, settings: config, log: transportLog(log) });
    const isFleet = config.redisUrl !== '';
    const runsTools = !isFleet || config.role !== 'gateway';
    const own = {
      hasOtherTools: more.length > 0 || bringsTools(config),
      hasOneCaller: !makesCalls && added.length === 0 && expectsOneCaller(config),
    };
    const starting = runsTools ? startRunners(kinds, config, own, hidden) : Promise.resolve([]);
    if (preload) transports.preload(preload);
    if (preload === 'listen') loadListening().catch(() => undefined); // it fails where it is opened
    const started = await starting;
    let fleet: Fleet | null = null;
    try {
      const tracer = await openTracing(IDENTITY.version, log);
      if (isFleet) fleet = await joinFleet(config, runsTools ? started : null, log);
      const dispatcher = new Dispatcher({
        runners: [...(fleet?.runner ? [fleet.runner] : started), ...more],
        timeoutMs: config.requestTimeoutMs,
        policy: keys,
        history: await openHistory(config, fleet),
        sharesRates: isFleet,
        toolPolicies: new ToolPolicies(policyOptions(config)),
        tracer,
      });
      const hosted = fleet?.runner ? started : [];
      return new Gateway(config, { dispatcher, log, transports, keys, fleet, hosted });
    } catch (error) {
      await fleet?.close();
      await closeAll(started);
      throw error;
    }
  }

  /** What the gateway itself observes: statistics, log, what MCP clients are told, and its tools' code. */
  #watch(): void {
    const log = this.#log;
    this.observe({
      started: (call) => this.#statistics.started(call),
      ended: (record) => this.#statistics.ended(record),
      defect: () => {
        this.#defects++;
      },
    });
    this.observe({
      ended: callLog(log),
      log: (record) => logToolRecord(log, record),
      unit: unitLog(log),
      defect: (defect) => logDefect(log, defect),
    });
    this.observe({
      notice: (notice) => this.#news.notice(notice),
      catalogChanged: () => this.#news.catalogChanged(),
      reloadWanted: () => void this.reload().catch(() => undefined),
    });
    this.#keys.onChange(({ revoked, changed }) => {
      this.#dispatcher.cancelCallsOf(revoked);
      if (changed.size > 0) this.#news.catalogChanged(changed);
    });
  }

  /**
   * Watches calls, threads and what tools log. Methods that are left out cost nothing; what one throws, or its promise
   * rejects with, is logged once and counted in `stats()`, and harms nobody.
   * @returns what ends it.
   * @example const end = gateway.observe({ ended: ({ name, end }) => console.error(name, end.durationMs) });
   */
  observe(observer: GatewayObserver): () => void {
    return this.#dispatcher.observe(observer);
  }

  /** The figures of `GET /stats`, and what has gone wrong inside. */
  stats(): GatewayStats {
    const answerCache = this.#dispatcher.cacheView();
    return {
      ...this.#pages.stats(),
      tools: this.#toolStats(),
      ...(answerCache ? { answerCache } : {}),
      ...this.#transports.stats(),
      observerFailures: this.#dispatcher.observerFailures,
      defects: this.#defects,
    };
  }

  #toolStats(): GatewayStats['tools'] {
    const all = Object.entries(this.#statistics.snapshot());
    return Object.fromEntries(
      all.map(([name, figures]) => [name, { ...figures, ...this.#dispatcher.policiesOf(name) }]),
    );
  }

  /** Settles when all tools are known: servers elsewhere are asked for theirs while the gateway runs already. */
  settled(): Promise<void> {
    return this.#dispatcher.settled();
  }

  /**
   * Takes the definitions of tools of mounted servers as they are now, where they are pinned.
   * @param server the one; default: all that are pinned. @returns how many tools each has.
   * @throws {ToolError} `unavailable` when a server cannot be asked.
   */
  acceptChanges(server?: string): Promise<Readonly<Record<string, number>>> {
    return this.#dispatcher.acceptChanges(server);
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
   * @throws {ConfigError} when that would leave the gateway open or unreachable, or a file of keys cannot be used.
   * @throws {ToolError} `unavailable` when a TLS file cannot be read or the gateway is closed, `failed_precondition`
   * when it listens, or is about to. Node's own error (`code` EADDRINUSE and the like; the message says what to do) when
   * the port cannot be had, or what a transport's `open` throws; nothing is open then, and `listen` may be called again.
   */
  async listen(options: ListenOptions = {}): Promise<Listening> {
    if (this.#closing) throw new ToolError('unavailable', 'the gateway is closed; create another');
    if (this.#listening) throw new ToolError('failed_precondition', 'the gateway listens already');
    this.#listening = this.#listen(options);
    try {
      return await this.#listening;
    } catch (error) {
      this.#listening = null;
      throw error;
    }
  }

  async #listen({ keeper }: ListenOptions): Promise<Listening> {
    const { config } = this;
    checkListening(config);
    this.#openKeys();
    this.#tlsWatch?.close();
    this.#tlsWatch = watchTlsFiles(config, this.#transportLog, (tls) => this.#host?.renewTls(tls));
    const tls = readTlsFiles(config);
    const [{ Access }, { HttpHost }, { StreamWatch }] = await loadListening();
    const rates = this.#fleet?.rates;
    const access = new Access({
      ...config,
      keys: this.#keys,
      isSecure: config.tlsCert !== null,
      ...(rates ? { newLimiter: (points, seconds) => rates.limiter('wrong', points, seconds) } : {}),
    });
    const base = this.#transportContext();
    const { maxConnections } = config;
    const http = new HttpHost({ ...base, ...tls, access, maxConnections, pages: this.#gatewayPages() });
    const watch = new StreamWatch({ heartbeatMs: SILENCE_MS, stallMs: config.streamStallMs });
    const openMetrics = () => this.#openMetrics();
    const openFigures = () => this.#openFigures();
    await this.#transports.listen({ ...base, access, watch, http, openMetrics, openFigures });
    try {
      const { port } = await http.listen(config.host, config.port, keeper);
      this.#host = http;
      return { url: urlOf(config, port), host: config.host, port, endpoints: http.endpoints };
    } catch (error) {
      await this.#transports.stopListening();
      throw error;
    }
  }

  /** @throws {ConfigError} when a file of keys cannot be used. */
  #openKeys(): void {
    if (!this.config.auth) return;
    try {
      this.#keys.open(this.#transportLog);
    } catch (error) {
      throw error instanceof KeyFileError ? new ConfigError([error.message]) : error;
    }
  }

  async #openMetrics(): Promise<MetricsSource> {
    const { EXPOSITION_TYPE, GatewayMetrics } = await import('./observe/metrics/gateway-metrics.ts');
    const metrics = new GatewayMetrics({
      version: IDENTITY.version,
      statistics: this.#statistics,
      runners: () => this.#dispatcher.stats(),
      transports: () => this.#transports.stats().transports,
      sessions: () => this.#transports.stats()['mcp'] ?? {},
      callsInFlight: () => this.#dispatcher.callsInFlight,
      openBreakers: () => this.#dispatcher.openBreakers,
      defects: () => this.#defects,
    });
    const end = this.observe({ unit: (event) => metrics.unit(event) });
    return {
      mediaType: EXPOSITION_TYPE,
      text: () => metrics.text(),
      close() {
        end();
        metrics.close();
      },
    };
  }

  async #openFigures(): Promise<FiguresSource> {
    const { LiveFigures } = await import('./observe/live/live-figures.ts');
    return new LiveFigures({
      stats: () => this.#statsPage(),
      status: () => this.#pages.health().status,
      runners: () => this.#dispatcher.stats(),
      callsInFlight: () => this.#dispatcher.callsInFlight,
      chunks: () => this.#dispatcher.chunksStreamed,
      observe: (observer) => this.observe(observer),
    });
  }

  #gatewayPages() {
    return {
      info: (keyId?: string) => this.#pages.info(keyId),
      health: () => this.#pages.health(),
      stats: () => this.#statsPage(),
      retryAfterMs: () => this.#dispatcher.drainRefusal?.retryAfterMs ?? 1000,
    };
  }

  /** Troubles inside are shown once there are any. */
  #statsPage(): Readonly<Record<string, unknown>> {
    const { observerFailures, defects, ...figures } = this.stats();
    const hasFailed = Object.keys(observerFailures).length > 0;
    return {
      ...figures,
      ...(defects > 0 ? { defects } : {}),
      ...(hasFailed ? { observerFailures } : {}),
    };
  }

  /** What every transport gets, whatever opens it. */
  #transportContext(): Omit<BaseContext, 'meter' | 'options'> {
    const {
      maxBodyBytes,
      maxResultBytes,
      repeatBytes,
      requestTimeoutMs,
      resumeTtlMs,
      reload,
      keysFile,
      toolSearch,
    } = this.config;
    return {
      calls: this.#dispatcher,
      identity: IDENTITY,
      log: this.#transportLog,
      limits: {
        maxBodyBytes,
        maxResultBytes,
        repeatBytes,
        callTimeoutMs: requestTimeoutMs,
        keptMs: resumeTtlMs,
      },
      news: this.#news,
      toolSearch,
      peers: this.#fleet?.peers ?? undefined,
      reloads: reload || keysFile !== null || bringsTools(this.config),
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
   * @throws {ToolError} `unavailable` when a module does not load, or a tool takes a name that another runner offers;
   * everything goes on as before then.
   */
  async reload(): Promise<void> {
    try {
      await this.#dispatcher.reload();
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
   * ends the rest `unavailable`, closes transports and threads. What was cancelled has `graceMs` (default:
   * `config.cancelGraceMs`, at most 3 s) to stop before its thread is ended. Settles when all is gone; later calls
   * share that promise.
   */
  close({
    drainMs = this.config.drainTimeoutMs,
    graceMs = this.#lastGraceMs,
  }: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#close(drainMs, graceMs);
    return this.#closing;
  }

  get #lastGraceMs(): number {
    return Math.min(this.config.cancelGraceMs, LAST_GRACE_MS);
  }

  async #close(drainMs: number, graceMs: number): Promise<void> {
    await Promise.all([this.#dispatcher.drain(drainMs), this.#fleet?.drain(drainMs)]);
    this.#keys.close();
    this.#tlsWatch?.close();
    await this.#listening?.catch(() => undefined);
    await Promise.all([this.#transports.close(), this.#host?.close(), this.#dispatcher.close(graceMs)]);
    await Promise.all(this.#hosted.map((runner) => runner.close(graceMs)));
    await this.#fleet?.close();
    this.#libuv.close();
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

/** The longest grace at the end: with the default DRAIN_TIMEOUT all is over within the 30 s of service managers. */
const LAST_GRACE_MS = 3000;

/** After so much silence a stream gets a comment, so that nobody in between closes it. */
const SILENCE_MS = 15_000;

/** Where clients on this machine reach the gateway. */
function urlOf({ host, allowedHosts, tlsCert }: Config, port: number): string {
  const isAny = host === '0.0.0.0' || host === '::';
  const name = isAny ? (allowedHosts[0] ?? 'localhost') : host;
  const authority = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name;
  return `${tlsCert ? 'https' : 'http'}://${authority}:${port}`;
}

function policyOptions(config: Config): PolicyOptions {
  const { breaker, breakerFailures, breakerWindowMs, breakerOpenMs, retries } = config;
  const { queueLimit, queueWaitMs, toolLimits } = config;
  return {
    breaker: breaker ? { failures: breakerFailures, windowMs: breakerWindowMs, openMs: breakerOpenMs } : null,
    retries,
    limitsFile: toolLimits,
    queueLimit,
    queueWaitMs,
  };
}

/** Whether runners of the configuration have tools from elsewhere. */
const bringsTools = (config: Config): boolean =>
  Object.values(runnerKinds).some(
    (kind: { bringsTools?(config: Config): boolean }) => kind.bringsTools?.(config) === true,
  );

/** What the log must not show, beside the keys. */
class HiddenTexts {
  readonly #texts = new Set<string>();
  #keys: readonly string[] = [];
  /** The same list until it changes: whoever hides it looks at that. */
  #all: readonly string[] = [];

  add(texts: readonly string[]): void {
    for (const text of texts) this.#texts.add(text);
    this.#all = [...this.#keys, ...this.#texts];
  }

  with(keys: readonly string[]): readonly string[] {
    if (keys === this.#keys) return this.#all;
    this.#keys = keys;
    this.#all = [...keys, ...this.#texts];
    return this.#all;
  }
}

type LoadedKind = Awaited<ReturnType<(typeof runnerKinds)[keyof typeof runnerKinds]['load']>>;

/** @throws what the first kind that did not start threw, once those that did are closed. */
async function startRunners(
  kinds: readonly LoadedKind[],
  config: Config,
  own: Pick<StartContext, 'hasOtherTools' | 'hasOneCaller'>,
  hidden: HiddenTexts,
): Promise<Runner[]> {
  const context = {
    logLevel: config.logLevel.toLowerCase() as LogLevel,
    maxResultBytes: config.maxResultBytes,
    entry: new URL('../workers/piscina-entry.cjs', import.meta.url).href,
    builtInTools: new URL('../workers/tools/index.js', import.meta.url).href,
    ...own,
    version: IDENTITY.version,
    hide: (secrets: readonly string[]) => hidden.add(secrets),
    handOver: new LeftOver(),
  };
  const starts = await Promise.allSettled(kinds.map(({ start }) => start(config, context)));
  const started = starts.flatMap((start) =>
    start.status === 'fulfilled' && start.value ? [start.value] : [],
  );
  for (const start of starts) {
    if (start.status === 'fulfilled') continue;
    await closeAll(started);
    throw start.reason instanceof StartFault ? new ConfigError(start.reason.problems) : start.reason;
  }
  return started;
}

async function openHistory(config: Config, fleet: Fleet | null): Promise<CallHistory> {
  const own = new MemoryHistory(config);
  if (!fleet?.shared) return own;
  const { FleetHistory } = await import('./dispatch/history/fleet-history.ts');
  return new FleetHistory(own, fleet.shared);
}

/** What a host's runners tell goes to its log. */
const hostLog = (log: Logger): GatewayObserver => ({
  log: (record) => logToolRecord(log, record),
  unit: unitLog(log),
  defect: (defect) => logDefect(log, defect),
});

/** @throws {ToolError} `unavailable` when a package is missing, or Redis cannot be relied on. */
async function joinFleet(config: Config, started: readonly Runner[] | null, log: Logger): Promise<Fleet> {
  const [{ openFleet }, { HostedRunnerSet }] = await Promise.all([
    import('./fleet/gateway/open-fleet.ts'),
    import('./dispatch/hosted-runners.ts'),
  ]);
  const note = transportLog(log);
  return openFleet({
    config,
    version: IDENTITY.version,
    log: (level, message) => note(level, message),
    hosted: started && new HostedRunnerSet(started, hostLog(log)),
  });
}

const closeAll = (runners: readonly Runner[]): Promise<unknown> =>
  Promise.allSettled(runners.map((runner) => runner.close()));

const IDENTITY = {
  name: 'mcp-streaming-gateway',
  version: String(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version),
};
