/**
 * Policy around every call, the same for all transports: admit → run → deadline → observe.
 *
 * D1. Every call has an id, a deadline and, at its end, exactly one record for the observers.
 * D2. Transports talk to nothing below this; it knows the ToolRunner interface and not the pool.
 * D3. A call belongs to the key that made it: nobody else can see or cancel it.
 */
import { randomBytes } from 'node:crypto';
import { TransitMap } from '../async/transit-map.ts';
import type { TerminalEvent } from '../call/call-events.ts';
import type { Caller } from '../call/caller.ts';
import type { CallKind, Catalog, ToolDescriptor } from '../call/catalog.ts';
import type { CallRequest, RunningCall } from '../call/running-call.ts';
import { ToolError } from '../call/tool-error.ts';
import type { RunnerStats, ToolRunner } from '../runners/runner.ts';
import type { Calls } from './calls.ts';
import { refusedCall } from './refused-call.ts';

/** What observers learn of each call, once, at its end. */
export interface CallRecord {
  readonly callId: string;
  readonly kind: CallKind;
  readonly name: string;
  readonly caller: Caller;
  readonly end: TerminalEvent;
}

export interface CallObserver {
  started?(call: { readonly name: string; readonly kind: CallKind }): void;
  ended?(record: CallRecord): void;
}

export interface DispatcherOptions {
  readonly runner: ToolRunner;
  /** Upper limit of any call, in milliseconds. */
  readonly timeoutMs: number;
}

export class Dispatcher implements Calls {
  readonly #runner: ToolRunner;
  readonly #timeoutMs: number;
  readonly #calls = new TransitMap<string, RunningCall>();
  readonly #observers: CallObserver[] = [];
  #tools = new Map<string, ToolDescriptor>();
  #isDraining = false;
  #whenIdle: (() => void)[] = [];

  constructor({ runner, timeoutMs }: DispatcherOptions) {
    this.#runner = runner;
    this.#timeoutMs = timeoutMs;
    this.#indexTools(runner.catalog);
    runner.listen({ catalogChanged: (catalog) => this.#indexTools(catalog) });
  }

  #indexTools(catalog: Catalog): void {
    this.#tools = new Map(catalog.tools.map((tool) => [tool.name, tool]));
  }

  get catalog(): Catalog {
    return this.#runner.catalog;
  }

  /** Looks a tool up by name; a Map, so that `__proto__` is no tool. */
  tool(name: string): ToolDescriptor | undefined {
    return this.#tools.get(name);
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get callsInFlight(): number {
    return this.#calls.size;
  }

  observe(observer: CallObserver): void {
    this.#observers.push(observer);
  }

  /**
   * Starts a call. Never throws: a refused call's only event is its error.
   * @param fault what the caller has found wrong with the request, which refuses it.
   */
  call(request: CallRequest, fault?: ToolError): RunningCall {
    const kind = request.kind ?? 'tool';
    const callId = request.callId ?? newCallId();
    const tool = kind === 'tool' ? this.#tools.get(request.name) : undefined;
    const refusal = fault ?? this.#refusal(kind, request.name, tool);
    const admitted = admit(request, kind, callId);
    const call = refusal ? refusedCall(admitted, refusal) : this.#runner.call(admitted);
    this.#calls.set(callId, call);
    for (const observer of this.#observers) observer.started?.({ name: request.name, kind });

    const timeoutMs = Math.min(request.timeoutMs ?? Infinity, tool?.timeoutMs ?? Infinity, this.#timeoutMs);
    const deadline = setTimeout(
      () => call.cancel('deadline_exceeded', `the call did not end within its ${timeoutMs} ms`),
      timeoutMs,
    );
    call.onEnd((end) => {
      clearTimeout(deadline);
      this.#calls.delete(callId);
      const record: CallRecord = { callId, kind, name: request.name, caller: request.caller, end };
      for (const observer of this.#observers) observer.ended?.(record);
      if (this.#calls.size === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
    });
    return call;
  }

  #refusal(kind: CallKind, name: string, tool: ToolDescriptor | undefined): ToolError | undefined {
    if (this.#isDraining) {
      return new ToolError('unavailable', 'the gateway is shutting down; call again in a moment', {
        retryAfterMs: 1000,
      });
    }
    if (kind === 'tool' && tool === undefined) return toolNotFound(name, this.catalog);
    return undefined;
  }

  /**
   * Cancels a running call on behalf of `keyId`.
   * @returns false when there is no such call in flight, or it is another key's.
   */
  cancel(callId: string, keyId: string): boolean {
    const call = this.#calls.get(callId);
    if (!call || call.request.caller.keyId !== keyId) return false;
    call.cancel('cancelled', 'the call was cancelled');
    return true;
  }

  stats(): RunnerStats {
    return this.#runner.stats();
  }

  /**
   * Refuses new calls and waits until the last one has ended; what still runs after `timeoutMs` ends `unavailable`.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    if (this.#calls.size === 0) return;
    const idle = new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    const timer = setTimeout(() => {
      for (const call of this.#calls.values()) call.cancel('unavailable', 'the gateway is shutting down');
    }, timeoutMs);
    await idle;
    clearTimeout(timer);
  }
}

/** Whatever the transport, behind this point all calls have one shape: V8 is slow where shapes vary, or are copied. */
function admit(
  request: CallRequest,
  kind: CallKind,
  callId: string,
): CallRequest & { readonly callId: string } {
  return {
    callId,
    kind,
    name: request.name,
    arguments: request.arguments,
    caller: request.caller,
    timeoutMs: request.timeoutMs,
    streams: request.streams,
    repeatBytes: request.repeatBytes,
    abilities: request.abilities,
    logLevel: request.logLevel,
    requestMeta: request.requestMeta,
  };
}

/** So many names are given for one that is unknown. */
const NAMES_SHOWN = 20;

/** The error of a call to a name that no loaded module defines. */
export function toolNotFound(name: string, { tools }: Catalog): ToolError {
  const names = tools.slice(0, NAMES_SHOWN).map((tool) => tool.name);
  const known = `${names.join(', ')}${tools.length > names.length ? ', …' : ''}`;
  return new ToolError('tool_not_found', `there is no tool ${JSON.stringify(name)}; the tools are: ${known}`);
}

const ID_LENGTH = 16;
let ids = '';
let idsUsed = 0;

/** 96 random bits in URL-safe text; made 256 at a time, since a call needs one each. */
function newCallId(): string {
  if (idsUsed >= ids.length) {
    ids = randomBytes(256 * 12).toString('base64url');
    idsUsed = 0;
  }
  idsUsed += ID_LENGTH;
  return ids.slice(idsUsed - ID_LENGTH, idsUsed);
}
