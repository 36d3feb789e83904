/**
 * The context object a tool receives. Its functions work when taken out of it (`{ progress, log }`), so each is made
 * when first asked for and bound to its run.
 */
import type { ElicitAnswer, ElicitForm, ElicitUrl, SampleRequest } from '../lib/tool/ask-client.ts';
import type { ToolContext } from '../lib/tool/define-tool.ts';
import { freeze, hasOwn } from './intrinsics/captured.ts';
import type { ToolRun } from './tool-run.ts';

export function createToolContext(run: ToolRun): ToolContext {
  return new BoundContext(run);
}

class BoundContext implements ToolContext {
  readonly #run: ToolRun;

  constructor(run: ToolRun) {
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
