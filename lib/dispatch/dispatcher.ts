/**
 * Policy around every call, the same for all transports: admit → run → deadline → observe. Around the run of a tool, in
 * this order (policy/tool-policies.ts): rate limit → breaker → cache and single flight → concurrency → run → retries.
 *
 * D1. Every call has an id, a deadline and, at its end, exactly one record for the observers.
 * D2. Transports talk to nothing below this; it knows the Runner interface and no runner. A call goes to the runner
 *     that has its tool.
 * D3. A call belongs to the key that made it: nobody else can see or cancel it.
 * D4. What a key may not use is not there for it, and its calls are counted here: no transport can forget either.
 * D5. What is kept of a call stands before it (history/): observers and deadlines see the call itself, once.
 */
import { Deadlines } from '../async/deadlines.ts';
import { TransitMap } from '../async/transit-map.ts';
import type { CallTracer } from '../call/call-tracer.ts';
import type { Caller } from '../call/caller.ts';
import type { CallKind, Catalog, ToolDescriptor } from '../call/catalog.ts';
import type { CallRequest, Keeping, RunningCall } from '../call/running-call.ts';
import { ToolError } from '../call/tool-error.ts';
import type { AdmittedCall, Runner, RunnerStats, RunnerStatus } from '../runners/runner.ts';
import { admit, newCallId } from './admitted-call.ts';
import type { Quota } from './call-rates.ts';
import { type Calls, callNotFound, type Idempotency, shuttingDown } from './calls.ts';
import type { CallHistory, CallState, ResumePoint } from './history/call-history.ts';
import { fingerprint } from './history/fingerprint.ts';
import { KeyGate } from './key-gate.ts';
import { type KeyPolicy, NO_POLICY } from './key-policy.ts';
import type { ToolRoute } from './merged-catalog.ts';
import { ObservedCall } from './observed-call.ts';
import { type GatewayObserver, Observers, type StartedCall } from './observers.ts';
import type { CacheView } from './policy/answer-cache.ts';
import type { ToolPolicies, ToolPolicyView } from './policy/tool-policies.ts';
import { refusedCall } from './refused-call.ts';
import { RunnerSet } from './runner-set.ts';

export interface DispatcherOptions {
  /** Their order is that of /stats, and the first answers what nobody has. */
  readonly runners: readonly Runner[];
  /** Upper limit of any call, in milliseconds. */
  readonly timeoutMs: number;
  /** Where calls are kept for those who come back. */
  readonly history: CallHistory;
  /** What each key may do. Default: everything, as often as it likes. */
  readonly policy?: KeyPolicy;
  /** What is done around the calls of tools. Default: nothing. */
  readonly toolPolicies?: ToolPolicies;
  /** Whether a runner counts calls for several gateways. Default: false. */
  readonly sharesRates?: boolean;
  /** Who writes spans of calls. Default: nobody. */
  readonly tracer?: CallTracer | undefined;
}

/** How long a call with an idempotency key goes on without a reader, where nobody says otherwise. */
const KEYED_DETACH_MS = 60_000;
/** The codes of what no runner has. */
const NOT_THERE: ReadonlySet<string> = new Set(['tool_not_found', 'not_found']);

export class Dispatcher implements Calls {
  readonly #runners: RunnerSet;
  readonly #timeoutMs: number;
  readonly #history: CallHistory;
  readonly #toolPolicies: ToolPolicies | undefined;
  readonly #calls = new TransitMap<string, RunningCall>();
  readonly #deadlines = new Deadlines<RunningCall>((call, ms) =>
    call.cancel('deadline_exceeded', `the call did not end within its ${ms} ms`),
  );
  readonly #observers = new Observers();
  readonly #gate: KeyGate;
  readonly #sharesRates: boolean;
  readonly #tracer: CallTracer | undefined;
  /** When the last call has ended or is ended, once the gateway closes; by `performance.now()`. */
  #drainedBy: number | undefined;
  #whenIdle: (() => void)[] = [];

  /**
   * @throws {ToolError} `unavailable` when two runners have the same name, or offer the same, or TOOL_LIMITS cannot hold
   * for their tools.
   */
  constructor(options: DispatcherOptions) {
    const { runners, timeoutMs, history, policy = NO_POLICY, toolPolicies } = options;
    this.#tracer = options.tracer;
    this.#sharesRates = options.sharesRates ?? false;
    this.#runners = new RunnerSet(runners, this.#observers);
    this.#timeoutMs = timeoutMs;
    this.#history = history;
    this.#gate = new KeyGate(policy, (tool) => toolPolicies?.rate(tool) ?? 0);
    this.#toolPolicies = toolPolicies;
    toolPolicies?.begin(this.catalog, this.#observers.forRunner());
    if (toolPolicies) this.#observers.add({ catalogChanged: (catalog) => toolPolicies.adopt(catalog) });
  }

  /** What all runners offer; the same object until that changes. */
  get catalog(): Catalog {
    return this.#runners.catalog;
  }

  get catalogTrouble(): ToolError | undefined {
    return this.#runners.catalogTrouble;
  }

  catalogOf(keyId: string): Catalog {
    return this.#gate.catalogOf(this.catalog, keyId);
  }

  /** Looks a tool up by name. @param keyId where it is given, only what that key may use is found. */
  tool(name: string, keyId?: string): ToolDescriptor | undefined {
    if (keyId !== undefined && !this.#gate.shows(this.catalog, keyId, name)) return undefined;
    return this.#runners.tool(name)?.tool;
  }

  quotasOf(keyId: string, tool: string | undefined): readonly Quota[] {
    return this.#gate.quotasOf(keyId, tool === undefined ? undefined : this.tool(tool));
  }

  get isDraining(): boolean {
    return this.#drainedBy !== undefined;
  }

  get drainRefusal(): ToolError | undefined {
    return this.#drainedBy === undefined ? undefined : shuttingDown(this.#drainedBy - performance.now());
  }

  get callsInFlight(): number {
    return this.#calls.size;
  }

  /** Chunks of streamed calls since the start. */
  get chunksStreamed(): number {
    return this.#history.chunks;
  }

  /** @returns what ends the observing. */
  observe(observer: GatewayObserver): () => void {
    return this.#observers.add(observer);
  }

  /** How often observers have failed, by the method that did. */
  get observerFailures(): Readonly<Record<string, number>> {
    return this.#observers.failures;
  }

  /**
   * Starts a call. Never throws: a refused call's only event is its error.
   * @param fault what the caller has found wrong with the request, which refuses it.
   */
  call(request: CallRequest, fault?: ToolError): RunningCall {
    const { name, caller, origin, rpc } = request;
    const kind = request.kind ?? 'tool';
    const callId = request.callId ?? newCallId();
    const route = kind === 'tool' ? this.#runners.tool(name) : undefined;
    const refusal = fault ?? this.#refusal(request, kind, route?.tool);
    const keep = request.keep && this.#keeping(request.keep);
    const traced = this.#tracer?.begin(request, kind, callId);
    const limits = this.#sharesRates ? this.#gate.limitsOf(request, route?.tool) : undefined;
    const admitted = admit(request, kind, callId, keep, traced, limits);
    const trace = traced ? traced.trace : admitted.trace;
    const ownLimitMs = Math.min(this.#toolLimitMs(route?.tool) ?? Infinity, this.#timeoutMs);
    const call = this.#start(admitted, route, ownLimitMs, refusal);
    this.#calls.set(callId, call);
    // One shape for every call, and no spreads: what observers read of it is on the hot path.
    const started: StartedCall = { callId, kind, name, caller, origin, rpc, trace };
    this.#observers.tell('started', started);

    const timeoutMs = Math.min(request.timeoutMs ?? Infinity, ownLimitMs);
    const deadline = this.#deadlines.set(call, timeoutMs);
    call.onEnd((end) => {
      this.#deadlines.clear(deadline);
      this.#calls.delete(callId);
      const { retries, hasStarted: hasRun } = call;
      traced?.ended(end, hasRun);
      const record = { callId, kind, name, caller, origin, rpc, trace, end, hasRun };
      this.#observers.tell('ended', retries ? { ...record, retries } : record);
      if (this.#calls.size === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
    });
    const observed = this.#observers.has('progress') ? this.#observed(call, started) : call;
    return keep && !refusal ? this.#history.keep(observed, request.streams) : observed;
  }

  #observed(call: RunningCall, started: StartedCall): RunningCall {
    return new ObservedCall(call, ({ progress, total, message }) =>
      this.#observers.tell('progress', { ...started, progress, total, message }),
    );
  }

  #keeping({ detachMs, repeatBytes, comesBack = false }: Keeping): Keeping {
    const { detachMaxMs } = this.#history;
    const longest = detachMs === undefined ? undefined : Math.min(detachMs, detachMaxMs);
    return { detachMs: longest, repeatBytes, comesBack };
  }

  async callOnce(request: CallRequest, { key, body }: Idempotency): Promise<RunningCall> {
    const { name, caller, streams, repeatBytes, keep } = request;
    if (!this.#gate.showsCallsOf(caller.keyId, name)) return this.call(request); // which is refused
    const callId = newCallId();
    const kept: Keeping = {
      detachMs: keep?.detachMs ?? KEYED_DETACH_MS,
      repeatBytes: keep?.repeatBytes ?? repeatBytes,
      comesBack: keep?.comesBack ?? true,
    };
    const claim = { keyId: caller.keyId, key, fingerprint: fingerprint([name, body]), streams };
    return this.#history.once(claim, callId, (claimedUntil) =>
      this.call({ ...request, callId, keep: kept, claimedUntil }),
    );
  }

  async resume(point: ResumePoint): Promise<RunningCall> {
    const { callId, keyId } = point;
    if (!(await this.find(callId, keyId))) throw callNotFound(callId);
    return this.#history.resume(point);
  }

  async release(callId: string, keyId: string): Promise<void> {
    if (!(await this.find(callId, keyId))) throw callNotFound(callId);
    return this.#history.release(callId, keyId);
  }

  async find(callId: string, keyId: string): Promise<CallState | undefined> {
    const running = this.#calls.get(callId);
    const isOwn = running && isListed(running, keyId);
    const state = isOwn ? stateOf(running) : await this.#history.find(callId, keyId);
    return state && this.#gate.showsCallsOf(keyId, state.tool) ? state : undefined;
  }

  async list(keyId: string): Promise<readonly CallState[]> {
    const kept = await this.#history.list(keyId);
    const running = this.#calls.values().filter((call) => isListed(call, keyId));
    return [...running.map(stateOf), ...kept]
      .filter(({ tool }) => this.#gate.showsCallsOf(keyId, tool))
      .sort((one, other) => one.madeAt - other.madeAt);
  }

  #start(
    admitted: AdmittedCall,
    route: ToolRoute | undefined,
    ownLimitMs: number,
    refusal: ToolError | undefined,
  ): RunningCall {
    if (refusal) return refusedCall(admitted, refusal);
    if (!route)
      return this.#run(
        admitted,
        this.#runners.ownerOf(admitted.kind ?? 'tool', admitted.name, admitted.arguments),
      );
    if (!this.#toolPolicies) return this.#run(admitted, route.runner);
    return this.#toolPolicies.call(admitted, route, ownLimitMs, this.#run);
  }

  readonly #run = (admitted: AdmittedCall, runner: Runner): RunningCall => {
    try {
      return runner.call(admitted);
    } catch (error) {
      // It must not; but a transport has no answer for what is thrown at it here.
      const { callId } = admitted;
      this.#observers.tell('defect', {
        during: `a call that the runner "${runner.name}" took`,
        error,
        callId,
      });
      const message = 'the gateway failed to start the call; its log has the cause';
      return refusedCall(admitted, new ToolError('internal', message, { cause: error }));
    }
  };

  #toolLimitMs(tool: ToolDescriptor | undefined): number | undefined {
    return tool && this.#toolPolicies ? this.#toolPolicies.timeoutMs(tool) : tool?.timeoutMs;
  }

  #refusal(request: CallRequest, kind: CallKind, tool: ToolDescriptor | undefined): ToolError | undefined {
    if (this.#drainedBy !== undefined) return this.drainRefusal;
    const refusal = this.#gate.refusal(this.catalog, request, kind, tool);
    // What was there when it was asked for may have been forgotten since.
    if (refusal && NOT_THERE.has(refusal.code)) return this.catalogTrouble ?? refusal;
    return (
      refusal ??
      (tool && !request.isListing ? this.#toolPolicies?.refusal(tool, request.caller.keyId) : undefined)
    );
  }

  /**
   * Cancels a running call on behalf of `keyId`.
   * @returns false when there is no such call in flight, or it is another key's.
   */
  cancel(callId: string, keyId: string): boolean {
    if (!this.#has(callId, keyId)) return false;
    this.#calls.get(callId)?.cancel('cancelled', 'the call was cancelled');
    return true;
  }

  #has(callId: string, keyId: string): boolean {
    return this.#calls.get(callId)?.request.caller.keyId === keyId;
  }

  async cancelAnywhere(callId: string, keyId: string): Promise<boolean> {
    if (!this.#has(callId, keyId)) return (await this.#history.cancel?.(callId, keyId)) ?? false;
    // It may have ended, and this gateway not have heard.
    return !(await this.#history.hasEnded?.(callId)) && this.cancel(callId, keyId);
  }

  /** Ends the running calls of keys that were taken away. */
  cancelCallsOf(keyIds: ReadonlySet<string>): void {
    for (const call of this.#calls.values())
      if (keyIds.has(call.request.caller.keyId))
        call.cancel('cancelled', 'the API key of the call was taken away');
  }

  /** Of all runners: `down` only when every one is; `degraded` too while a tool is refused for its failures. */
  health(): RunnerStatus {
    const status = this.#runners.health();
    return status === 'ok' && this.openBreakers > 0 ? 'degraded' : status;
  }

  /** How many tools are refused now for their failures. */
  get openBreakers(): number {
    return this.#toolPolicies?.openBreakers ?? 0;
  }

  /** What /stats tells of the policies around a tool; undefined for one that is not there. */
  policiesOf(name: string): ToolPolicyView | undefined {
    const tool = this.tool(name);
    return tool && this.#toolPolicies?.view(tool);
  }

  /** Null where no tool's answers are kept. */
  cacheView(): CacheView | null {
    return this.#toolPolicies?.cacheView() ?? null;
  }

  /** By the name of the runner, in the order of the runners. */
  stats(): ReadonlyMap<string, RunnerStats> {
    return this.#runners.stats();
  }

  /**
   * Lets the runners load their tools anew; calls that run finish with what they began with.
   * @throws {ToolError} `unavailable` when tools do not load, or a new one has a name that another runner offers;
   * that runner goes on as before then.
   */
  reload(): Promise<void> {
    return this.#runners.reload();
  }

  /**
   * Refuses new calls and waits until the last one has ended; what still runs after `timeoutMs` ends `unavailable`.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#drainedBy = performance.now() + timeoutMs;
    if (this.#calls.size === 0) return;
    const idle = new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    const timer = setTimeout(() => {
      for (const call of this.#calls.values()) call.cancel('unavailable', 'the gateway is shutting down');
    }, timeoutMs);
    await idle;
    clearTimeout(timer);
  }

  /** Settles when every runner knows what it has. */
  settled(): Promise<void> {
    return this.#runners.settled();
  }

  acceptChanges(of?: string): Promise<Readonly<Record<string, number>>> {
    return this.#runners.acceptChanges(of);
  }

  watch(uri: string): () => void {
    return this.#runners.watch(uri);
  }

  sessionEnded(caller: Caller): void {
    this.#runners.sessionEnded(caller);
  }

  /** Ends what still runs, and the runners. @param graceMs how long cancelled calls may take to stop meanwhile. */
  close(graceMs?: number): Promise<void> {
    this.#toolPolicies?.close();
    return this.#runners.close(graceMs).finally(() => this.#history.close());
  }
}

/** A running call of a tool that the history does not have. */
const isListed = ({ request: { keep, kind, caller } }: RunningCall, keyId: string): boolean =>
  keep === undefined && kind === 'tool' && caller.keyId === keyId;

const stateOf = ({ callId, request, hasStarted }: RunningCall): CallState => ({
  callId,
  tool: request.name,
  hasStarted,
  chunks: 0,
  madeAt: request.madeAt ?? 0,
});
