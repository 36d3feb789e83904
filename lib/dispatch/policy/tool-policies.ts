/**
 * What is done around the calls of tools between their admission and their runner, in this order:
 *
 * 1. rate: how often a key may call the tool (counted in call-rates.ts, with the key's own rate);
 * 2. breaker: refused while the tool's circuit is open (tool-breaker.ts);
 * 3. cache: answered by what an equal call got, or gets (answer-cache.ts);
 * 4. breaker: a run that tries again what was open is its probe; an answer from the cache is none;
 * 5. concurrency: waits until the tool has a place (tool-gate.ts);
 * 6. run, and after a crash run again (relayed-call.ts, retries.ts); each run counts for the breaker.
 *
 * P1. A tool without limits and failures pays looks at two maps, which are empty in most gateways.
 * P2. Limits are those of the loaded definitions and of TOOL_LIMITS; a reload, or a change of that file, makes new ones.
 *     What waits and what runs is kept in mind: a limit is not lifted by a reload.
 */
import type { Catalog, ToolDescriptor } from '../../call/catalog.ts';
import type { LogLevel } from '../../call/log-level.ts';
import { matchesName } from '../../call/name-pattern.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall, Runner, RunnerListener } from '../../runners/runner.ts';
import type { ToolRoute } from '../merged-catalog.ts';
import { AnswerCache, type CacheView } from './answer-cache.ts';
import { Breakers } from './breakers.ts';
import type { OnDefect } from './end-listeners.ts';
import { type LimitRules, limitsOf, misfit, readLimitRules } from './limit-rules.ts';
import { watchLimits } from './limits-watch.ts';
import { RelayedCall, type Rerun } from './relayed-call.ts';
import { isRepeatable, Retries } from './retries.ts';
import { type BreakerOptions, type BreakerView, verdictOf } from './tool-breaker.ts';
import { type GateView, type QueueOptions, ToolGate } from './tool-gate.ts';

export interface PolicyOptions extends QueueOptions {
  /** Null: nothing is refused for its failures. */
  readonly breaker: BreakerOptions | null;
  /** How often a call is run again after crashes, at most. */
  readonly retries: number;
  /** The path of TOOL_LIMITS. */
  readonly limitsFile: string | null;
  /** A clock in milliseconds that only goes forward. Default: the machine's. */
  readonly now?: () => number;
}

/** The limits of one tool, at work. */
interface Limited {
  readonly timeoutMs: number | undefined;
  /** Calls a second of each key; 0: any number. */
  readonly rate: number;
  readonly gate: ToolGate | null;
  /** 0: its answers are not kept. */
  readonly keepMs: number;
}

/** Gives a call to its runner; never throws. */
export type Run = (request: AdmittedCall, runner: Runner) => RunningCall;

/** How a call is started. */
interface Start extends ToolRoute {
  readonly run: Run;
  /** What the tool and the gateway allow it, whoever calls, in milliseconds. */
  readonly ownLimitMs: number;
  readonly gate: ToolGate | null;
}

/** What is shown of one tool. */
export interface ToolPolicyView {
  readonly breaker?: BreakerView;
  readonly concurrency?: GateView;
}

type Rules = LimitRules['rules'];

export class ToolPolicies {
  readonly #options: PolicyOptions;
  readonly #breakers: Breakers | null;
  readonly #retries: Retries | null;
  #listener: RunnerListener = {};
  #cache: AnswerCache | null = null;
  #limited = new Map<ToolDescriptor, Limited>();
  /** By the names of the tools, so that they outlive a reload. */
  #gates = new Map<string, ToolGate>();
  #rules: Rules = [];
  #catalog: Catalog = { tools: [], resources: [], prompts: [] };
  #endWatch: () => void = () => undefined;

  constructor(options: PolicyOptions) {
    const { breaker, retries, now } = options;
    this.#options = options;
    const log = (tool: string, message: string) => this.#log('warning', tool, message);
    this.#breakers = breaker && new Breakers(breaker, log, now);
    this.#retries = retries > 0 ? new Retries(retries, now) : null;
  }

  /**
   * Begins with the tools of a catalog.
   * @throws {ToolError} `unavailable` when TOOL_LIMITS cannot be used, or a limit cannot hold for its tool.
   */
  begin(catalog: Catalog, listener: RunnerListener): void {
    const { limitsFile } = this.#options;
    this.#listener = listener;
    const { rules, problems } = limitsFile === null ? NO_RULES : readLimitRules(limitsFile);
    this.#rules = rules;
    const wrong = [...problems, ...this.#misfits(catalog)];
    if (wrong.length > 0) throw new ToolError('unavailable', wrong.join('; '));
    this.adopt(catalog);
    if (limitsFile === null) return;
    this.#endWatch = watchLimits(limitsFile, () => this.#readAgain(limitsFile));
    setImmediate(() => this.#warnOfIdleRules()); // nobody listens yet
  }

  close(): void {
    this.#endWatch();
  }

  #log(level: LogLevel, tool: string | null, message: string, callId: string | null = null): void {
    this.#listener.log?.({ callId, tool, level, message });
  }

  #onDefect(callId: string | null): OnDefect {
    return (error) => this.#listener.defect?.({ during: 'a listener for the end of a call', error, callId });
  }

  #misfits({ tools }: Catalog): string[] {
    return tools.map((tool) => misfit(tool, this.#rules)).filter((text) => text !== undefined);
  }

  #warnOfIdleRules(): void {
    for (const { glob } of this.#rules) {
      if (this.#catalog.tools.some(({ name }) => matchesName(glob, name))) continue;
      this.#log('warning', null, `TOOL_LIMITS: no tool is named ${JSON.stringify(glob)}`);
    }
  }

  /** From now on these are the tools. A limit that cannot hold is left out, and told. */
  adopt(catalog: Catalog): void {
    this.#catalog = catalog;
    this.#breakers?.adopt(catalog);
    this.#cache?.clear();
    const gates = this.#gates;
    this.#gates = new Map();
    this.#limited = new Map();
    for (const tool of catalog.tools) {
      const limited = this.#limit(tool, gates.get(tool.name));
      if (limited) this.#limited.set(tool, limited);
    }
    for (const [name, gate] of gates) if (!this.#gates.has(name)) gate.limit = Infinity;
  }

  #limit(tool: ToolDescriptor, gate: ToolGate | undefined): Limited | null {
    const limits = limitsOf(tool, this.#rules);
    const { concurrency, rate, cacheSeconds, timeoutMs } = limits;
    const fault = misfit(tool, this.#rules);
    if (fault !== undefined) this.#log('error', tool.name, fault);
    const isCached = cacheSeconds !== undefined && fault === undefined;
    if (concurrency === undefined && rate === undefined && !isCached && timeoutMs === tool.timeoutMs)
      return null;
    if (isCached) this.#cache ??= new AnswerCache(this.#onDefect(null), this.#options.now);
    return {
      timeoutMs,
      rate: rate ?? 0,
      gate: concurrency === undefined ? null : this.#gateOf(tool.name, concurrency, gate),
      keepMs: isCached ? cacheSeconds * 1000 : 0,
    };
  }

  #gateOf(name: string, limit: number, known: ToolGate | undefined): ToolGate {
    const gate = known ?? new ToolGate(name, limit, this.#options);
    this.#gates.set(name, gate);
    gate.limit = limit;
    return gate;
  }

  #readAgain(path: string): void {
    const { rules, problems } = readLimitRules(path);
    const before = this.#rules;
    if (problems.length === 0) this.#rules = rules;
    const wrong = problems.length > 0 ? problems : this.#misfits(this.#catalog);
    if (wrong.length > 0) {
      this.#rules = before;
      const text = `TOOL_LIMITS has changed and cannot be used; the limits before hold on: ${wrong.join('; ')}`;
      return this.#log('error', null, text);
    }
    this.adopt(this.#catalog);
    this.#log('info', null, 'TOOL_LIMITS has changed; its limits hold from now on');
    this.#warnOfIdleRules();
  }

  /** Milliseconds that a call of the tool may take; undefined: as long as any. */
  timeoutMs(tool: ToolDescriptor): number | undefined {
    const limited = this.#limited.get(tool);
    return limited ? limited.timeoutMs : tool.timeoutMs;
  }

  /** How many calls of the tool a key may make a second; 0: any number. */
  rate(tool: ToolDescriptor): number {
    return this.#limited.get(tool)?.rate ?? 0;
  }

  /** The error of a call that may not be made now. */
  refusal(tool: ToolDescriptor, keyId: string): ToolError | undefined {
    return this.#breakers?.refusal(tool, keyId);
  }

  /** Runs a call that was not refused. @param ownLimitMs what the tool and the gateway allow it, whoever calls. */
  call(request: AdmittedCall, { tool, runner }: ToolRoute, ownLimitMs: number, run: Run): RunningCall {
    const limited = this.#limited.get(tool);
    const start = { tool, runner, run, ownLimitMs, gate: limited?.gate ?? null };
    if (limited === undefined || limited.keepMs === 0 || this.#cache === null)
      return this.#launch(request, start);
    return this.#cache.call(request, {
      keepMs: limited.keepMs,
      timeoutMs: ownLimitMs,
      run: (shared) => this.#launch(shared, start),
    });
  }

  #launch(request: AdmittedCall, start: Start): RunningCall {
    const { tool, ownLimitMs, gate } = start;
    const probe = this.#breakers?.probe(tool, request.caller.keyId);
    // What tries a tool again is not tried again itself.
    const retries = this.#retries && !probe && isRepeatable(tool) ? this.#retries : null;
    if (!probe && !retries && !gate) return this.#begin(request, start);
    const begin = () => this.#begin(request, start);
    const rerun = retries && this.#rerun(request, start, begin, retries);
    const call = this.#inTurn(request, gate, rerun, begin);
    if (probe) {
      const isOwnLimit = isOwn(request, ownLimitMs);
      call.onEnd((end) => probe.end(verdictOf(end, call.hasStarted, isOwnLimit)));
    }
    return call;
  }

  /** Gives the call to its runner, and counts it for the breaker where it fails. */
  #begin(request: AdmittedCall, { tool, runner, run, ownLimitMs }: Start): RunningCall {
    const call = run(request, runner);
    const breakers = this.#breakers;
    if (breakers)
      call.onEnd((end) => {
        if (end.type === 'result') return;
        if (verdictOf(end, call.hasStarted, isOwn(request, ownLimitMs)) === 'failed')
          breakers.failed(tool, request.caller.keyId);
      });
    return call;
  }

  #rerun(
    request: AdmittedCall,
    { tool, ownLimitMs }: Start,
    run: () => RunningCall,
    retries: Retries,
  ): Rerun {
    const { callId, caller, timeoutMs = Infinity } = request;
    const deadline = performance.now() + Math.min(timeoutMs, ownLimitMs);
    retries.called();
    return {
      afterMs: ({ error }, count) => {
        if (error.code !== 'worker_crashed' || this.#breakers?.refusal(tool, caller.keyId)) return null;
        const wait = retries.take(count, deadline - performance.now());
        const text = `its thread crashed (${error.message}); retry ${count + 1} in ${Math.round(wait ?? 0)} ms`;
        if (wait !== null) this.#log('warning', tool.name, text, callId);
        return wait;
      },
      run,
    };
  }

  #inTurn(
    request: AdmittedCall,
    gate: ToolGate | null,
    rerun: Rerun | null,
    begin: () => RunningCall,
  ): RunningCall {
    if (!rerun && (!gate || gate.hasPlace)) {
      const call = begin();
      gate?.take(call);
      return call;
    }
    const call = new RelayedCall(request, rerun, this.#onDefect(request.callId));
    const start = () => call.start(begin());
    if (gate && !gate.hasPlace) {
      gate.wait(call, start);
    } else {
      gate?.take(call);
      start();
    }
    return call;
  }

  /** How many tools are refused now for their failures. */
  get openBreakers(): number {
    return this.#breakers?.refusing ?? 0;
  }

  view(tool: ToolDescriptor): ToolPolicyView {
    const gate = this.#limited.get(tool)?.gate;
    return {
      ...(this.#breakers ? { breaker: this.#breakers.view(tool) } : {}),
      ...(gate ? { concurrency: gate.view() } : {}),
    };
  }

  /** Null where no tool's answers are kept. */
  cacheView(): CacheView | null {
    return this.#cache?.view() ?? null;
  }
}

/** Whether the limit that ends the call is its tool's or the gateway's, and not its caller's. */
const isOwn = ({ timeoutMs }: AdmittedCall, ownLimitMs: number): boolean =>
  timeoutMs === undefined || timeoutMs >= ownLimitMs;

const NO_RULES = { rules: [], problems: [] };
