/**
 * The context object a tool receives. Its functions work when taken out of it (`{ progress, log }`), so each is made
 * when first asked for and bound to its run.
 */
import type { LogLevel } from '../lib/call/log-level.ts';
import type { ToolNotice } from '../lib/runners/runner.ts';
import type { CallTask } from '../lib/runners/threads/port/frames.ts';
import type { ElicitAnswer, ElicitForm, ElicitUrl, SampleRequest } from '../lib/tool/ask-client.ts';
import type { ToolContext } from '../lib/tool/define-tool.ts';
import { freeze, hasOwn } from './intrinsics/captured.ts';
import type { Questions } from './questions.ts';

/** What a context needs of its run. */
export interface ContextRun {
  readonly task: CallTask;
  readonly signal: AbortSignal;
  readonly meta: Record<string, unknown>;
  readonly questions: Questions;
  progress(value: number, total?: number | null, message?: string): void;
  log(level: LogLevel, message: string, data?: unknown): void;
  notice(notice: ToolNotice): void;
}

export function createToolContext(run: ContextRun): ToolContext {
  return new BoundContext(run);
}

class BoundContext implements ToolContext {
  readonly #run: ContextRun;

  constructor(run: ContextRun) {
    this.#run = run;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get progress(): ToolContext['progress'] {
    return (value, total, message) => this.#run.progress(value, total, message);
  }

  get log(): ToolContext['log'] {
    return (level, message, data) => this.#run.log(level, message, data);
  }

  get meta(): Record<string, unknown> {
    return this.#run.meta;
  }

  get requestMeta(): Readonly<Record<string, unknown>> {
    return this.#run.task.requestMeta ?? {};
  }

  get trace(): ToolContext['trace'] {
    return this.#run.task.trace;
  }

  get callId(): string {
    return this.#run.task.callId;
  }

  get caller(): ToolContext['caller'] {
    return this.#run.task.caller;
  }

  get resourceUpdated(): ToolContext['resourceUpdated'] {
    return (uri) => this.#run.notice({ type: 'resource-updated', uri: String(uri) });
  }

  get resourcesChanged(): ToolContext['resourcesChanged'] {
    return () => this.#run.notice({ type: 'resources-changed' });
  }

  get elicit(): ToolContext['elicit'] {
    return (request: ElicitForm | ElicitUrl) => {
      const { elicitForm, elicitUrl } = this.#run.task.abilities ?? {};
      const isAble = hasOwn(request, 'url') ? elicitUrl : elicitForm;
      return this.#run.questions.ask('elicit', isAble, request) as Promise<ElicitAnswer>;
    };
  }

  get sample(): ToolContext['sample'] {
    return (request: SampleRequest) =>
      this.#run.questions.ask('sample', this.#run.task.abilities?.sample, request) as Promise<
        Record<string, unknown>
      >;
  }

  get roots(): ToolContext['roots'] {
    return () =>
      this.#run.questions.ask('roots', this.#run.task.abilities?.roots, {}) as Promise<
        Record<string, unknown>
      >;
  }
}

// A tool has its prototype in hand, and so have the calls of others.
freeze(BoundContext.prototype);
