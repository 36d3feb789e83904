/**
 * A runner without threads: tools are generator functions in this process. For what only the transports decide.
 */

import type { TerminalEvent, ToolEvent } from '../../lib/call/call-events.ts';
import type { ClientAbilities } from '../../lib/call/caller.ts';
import type { Catalog } from '../../lib/call/catalog.ts';
import type { CallRequest, RunningCall } from '../../lib/call/running-call.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import type { Runner, RunnerStats, RunnerStatus } from '../../lib/runners/runner.ts';

export interface ScriptContext {
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
  readonly abilities: ClientAbilities | undefined;
  /** Answers given to `ask` events, by number. */
  readonly answers: Map<number, unknown>;
}

/** Yields the events of one call, its end included. */
export type Script = (context: ScriptContext) => AsyncGenerator<ToolEvent, void, void>;

export const result = (data: unknown, chunks = 0, meta: object | null = null): ToolEvent => ({
  type: 'result',
  data: data === undefined ? null : JSON.stringify(data),
  repeats: data === undefined,
  shape: 'other',
  chunks,
  meta: meta && JSON.stringify(meta),
  durationMs: 1,
});

export const failure = (error: ToolError, chunks = 0): ToolEvent => ({
  type: 'error',
  error,
  chunks,
  durationMs: 1,
});

/** Chunks of a kilobyte until it is told to stop. */
export const flood: Script = async function* ({ signal }) {
  yield { type: 'started' };
  const items = Array<string>(64).fill(JSON.stringify('x'.repeat(1000)));
  for (let index = 0; !signal.aborted; index += items.length) yield { type: 'chunks', index, items };
  yield result(undefined);
};

/** The end of a call that somebody else reads. */
export const endOf = (call: RunningCall | undefined): Promise<TerminalEvent> =>
  new Promise((resolve) => call?.onEnd(resolve));

class ScriptedCall implements RunningCall {
  readonly callId: string;
  readonly request: CallRequest;
  hasStarted = false;
  readonly #events: AsyncGenerator<ToolEvent, void, void>;
  readonly #abort = new AbortController();
  readonly #answers = new Map<number, unknown>();
  readonly #cancelled: Promise<ToolEvent>;
  #cancel: (end: ToolEvent) => void = () => {};
  #end: TerminalEvent | undefined;
  readonly #listeners: ((end: TerminalEvent) => void)[] = [];

  constructor(request: CallRequest & { readonly callId: string }, script: Script) {
    this.callId = request.callId;
    this.request = request;
    this.#cancelled = new Promise((resolve) => {
      this.#cancel = resolve;
    });
    this.#events = script({
      arguments: request.arguments as Record<string, unknown>,
      signal: this.#abort.signal,
      abilities: request.abilities,
      answers: this.#answers,
    });
    if (!request.streams) void this.outcome();
  }

  cancel(
    reason: 'cancelled' | 'deadline_exceeded' | 'slow_consumer' | 'unavailable',
    message: string = reason,
  ): void {
    if (this.#end) return;
    this.#abort.abort();
    const end = failure(new ToolError(reason, message)) as TerminalEvent;
    this.#cancel(end);
    this.#finish(end);
  }

  answer(ask: number, outcome: { readonly value: unknown } | { readonly error: ToolError }): void {
    this.#answers.set(ask, 'value' in outcome ? outcome.value : outcome.error);
  }

  onEnd(listener: (end: TerminalEvent) => void): void {
    if (this.#end) listener(this.#end);
    else this.#listeners.push(listener);
  }

  async outcome(): Promise<TerminalEvent> {
    for await (const _ of this);
    if (!this.#end) throw new Error('the script has no end');
    return this.#end;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ToolEvent, void, void> {
    for (;;) {
      const next = await Promise.race([this.#cancelled, this.#events.next().then(({ value }) => value)]);
      if (!next) throw new Error('the script has no end');
      if (next.type === 'started') this.hasStarted = true;
      if (next.type === 'result' || next.type === 'error') this.#finish(next);
      yield next;
      if (this.#end) return;
    }
  }

  #finish(end: TerminalEvent): void {
    if (this.#end) return;
    this.#end = end;
    for (const listener of this.#listeners) listener(end);
  }
}

export class ScriptedRunner implements Runner {
  readonly name = 'scripts';
  readonly catalog: Catalog;
  readonly #scripts: Readonly<Record<string, Script>>;
  /** Calls as they came. */
  readonly calls: RunningCall[] = [];

  /** @param reading the names of those that say that they only read. */
  constructor(scripts: Readonly<Record<string, Script>>, reading: readonly string[] = []) {
    this.#scripts = scripts;
    this.catalog = {
      tools: Object.keys(scripts).map((name) => ({
        name,
        description: name,
        inputSchema: { type: 'object' },
        isolation: 'shared',
        ...(reading.includes(name) ? { annotations: { readOnlyHint: true } } : {}),
      })),
      resources: [],
      prompts: [],
    };
  }

  call(request: CallRequest & { readonly callId: string }): RunningCall {
    const script = this.#scripts[request.name];
    if (!script) throw new Error(`no script ${request.name}`);
    const call = new ScriptedCall(request, script);
    this.calls.push(call);
    return call;
  }

  health(): RunnerStatus {
    return 'ok';
  }

  stats(): RunnerStats {
    throw new Error('a scripted runner counts nothing');
  }

  listen(): () => void {
    return () => {};
  }

  async close(): Promise<void> {}
}
