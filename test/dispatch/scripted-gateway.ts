/**
 * A dispatcher with policies over scripted tools, on a clock that the test sets: for what needs no thread.
 */

import type { TerminalEvent, ToolEvent } from '../../lib/call/call-events.ts';
import type { Catalog, ToolDescriptor } from '../../lib/call/catalog.ts';
import type { CallRequest, RunningCall } from '../../lib/call/running-call.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import { Dispatcher } from '../../lib/dispatch/dispatcher.ts';
import type { CallRecord } from '../../lib/dispatch/observers.ts';
import { type PolicyOptions, ToolPolicies } from '../../lib/dispatch/policy/tool-policies.ts';
import type { AdmittedCall, Runner, RunnerListener, RunnerStats } from '../../lib/runners/runner.ts';
import { memoryHistory } from '../support/memory-history.ts';
import { endOf, failure, type Script, ScriptedRunner } from '../transports/scripted-runner.ts';

export type Tools = Readonly<Record<string, Script>>;
export type Fields = Readonly<Record<string, Partial<ToolDescriptor>>>;

/** Scripts with more fields than their names, which can be loaded anew. */
class FieldedRunner implements Runner {
  readonly name = 'scripts';
  catalog: Catalog;
  readonly #fields: Fields;
  readonly scripts: ScriptedRunner;
  #listener: RunnerListener = {};

  constructor(tools: Tools, fields: Fields) {
    this.scripts = new ScriptedRunner(tools);
    this.#fields = fields;
    this.catalog = this.#fresh();
  }

  #fresh(): Catalog {
    const { tools, ...rest } = this.scripts.catalog;
    return { ...rest, tools: tools.map((tool) => ({ ...tool, ...this.#fields[tool.name] })) };
  }

  async reload(accept: (catalog: Catalog) => void): Promise<void> {
    const catalog = this.#fresh();
    accept(catalog);
    this.catalog = catalog;
    this.#listener.catalogChanged?.(catalog);
  }

  listen(listener: RunnerListener): () => void {
    this.#listener = listener;
    return () => undefined;
  }

  call = (request: AdmittedCall): RunningCall => this.scripts.call(request);
  health = () => 'ok' as const;
  stats(): RunnerStats {
    throw new Error('scripts count nothing');
  }
  async close(): Promise<void> {}
}

export interface ScriptedGateway {
  readonly dispatcher: Dispatcher;
  readonly runner: ScriptedRunner;
  readonly records: CallRecord[];
  /** What was logged, without the calls. */
  readonly logs: string[];
  /** Moves the clock of the policies on. */
  pass(ms: number): void;
  call(name: string, more?: Partial<CallRequest> & { readonly keyId?: string }): RunningCall;
  /** The code of a call's end, or `success`. */
  end(name: string, more?: Partial<CallRequest> & { readonly keyId?: string }): Promise<string>;
}

const DEFAULTS: PolicyOptions = {
  breaker: { failures: 5, windowMs: 10_000, openMs: 10_000 },
  retries: 0,
  limitsFile: null,
  queueLimit: 64,
  queueWaitMs: 10_000,
};

export function scriptedGateway(
  tools: Tools,
  fields: Fields = {},
  options: Partial<PolicyOptions> & { readonly timeoutMs?: number } = {},
): ScriptedGateway {
  let now = 1_000_000;
  const { timeoutMs = 60_000, ...policy } = options;
  const fielded = new FieldedRunner(tools, fields);
  const dispatcher = new Dispatcher({
    runners: [fielded],
    timeoutMs,
    history: memoryHistory(),
    toolPolicies: new ToolPolicies({ ...DEFAULTS, now: () => now, ...policy }),
  });
  const records: CallRecord[] = [];
  const logs: string[] = [];
  dispatcher.observe({ ended: (record) => records.push(record), log: ({ message }) => logs.push(message) });
  const call: ScriptedGateway['call'] = (name, { keyId = 'a', ...more } = {}) =>
    dispatcher.call({
      name,
      arguments: {},
      caller: { keyId, transport: 'test' },
      streams: false,
      repeatBytes: 1000,
      ...more,
    });
  return {
    dispatcher,
    runner: fielded.scripts,
    records,
    logs,
    pass: (ms) => {
      now += ms;
    },
    call,
    end: async (name, more) => codeOf(await endOf(call(name, more))),
  };
}

export const codeOf = (end: TerminalEvent): string => (end.type === 'error' ? end.error.code : 'success');

export const crash: Script = async function* () {
  yield { type: 'started' };
  yield failure(new ToolError('worker_crashed', 'the thread ended'));
};

/** Runs until it is told to stop. */
export const hang: Script = async function* () {
  yield { type: 'started' };
  await new Promise(() => undefined);
};

/** Reads a call to its end. */
export async function read(call: RunningCall): Promise<ToolEvent[]> {
  const events: ToolEvent[] = [];
  for await (const event of call) events.push(event);
  return events;
}

/** Something that happens when the test says so. */
export function signal(): { readonly happened: Promise<void>; happen(): void } {
  let happen = () => {};
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return { happened, happen: () => happen() };
}
