/**
 * What a running tool has asked its client and not yet heard about.
 */

import { OwnMap } from '../lib/async/own-collections.ts';
import type { AskMethod } from '../lib/call/call-events.ts';
import { ToolError } from '../lib/call/tool-error.ts';
import type { CallTask, HostFrame } from '../lib/runners/threads/port/frames.ts';
import { NativePromise, parse } from './intrinsics/captured.ts';
import { freeText, MAX_FREE_BYTES } from './json-text.ts';
import type { Outbox } from './outbox.ts';

interface Open {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: ToolError) => void;
}

export class Questions {
  readonly #task: CallTask;
  readonly #outbox: Outbox;
  readonly #open = new OwnMap<number, Open>();
  #asked = 0;
  #isClosed = false;

  constructor(task: CallTask, outbox: Outbox) {
    this.#task = task;
    this.#outbox = outbox;
  }

  /** @throws {ToolError} `failed_precondition` where the client cannot answer; `cancelled` when the call ends first. */
  async ask(method: AskMethod, isAble: boolean | undefined, params: unknown): Promise<unknown> {
    if (!isAble) {
      throw new ToolError(
        'failed_precondition',
        `the client of this call cannot be asked (${method}): use a transport and a client that can`,
        { details: { requiredCapabilities: REQUIRED_CAPABILITIES[method] } },
      );
    }
    if (this.#isClosed) throw ended();
    const text = freeText(params);
    if (text === null)
      throw new ToolError('tool_failed', `a question to the client is larger than ${MAX_FREE_BYTES} bytes`);
    const plain: unknown = text === undefined ? {} : parse(text);
    const ask = ++this.#asked;
    return new NativePromise((resolve, reject) => {
      this.#open.set(ask, { resolve, reject });
      this.#outbox.post({ type: 'ask', call: this.#task.call, ask, method, params: plain });
      this.#outbox.flush();
    });
  }

  answer(frame: Extract<HostFrame, { type: 'answer' }>): void {
    const open = this.#open.get(frame.ask);
    this.#open.delete(frame.ask);
    if (frame.error) open?.reject(ToolError.fromWire(frame.error));
    else open?.resolve(frame.value);
  }

  close(): void {
    this.#isClosed = true;
    this.#open.forEach((open) => {
      open.reject(ended());
    });
    this.#open.clear();
  }
}

/** What an MCP client declares when it can be asked. */
const REQUIRED_CAPABILITIES: Readonly<Record<AskMethod, object>> = {
  elicit: { elicitation: {} },
  sample: { sampling: {} },
  roots: { roots: {} },
};

const ended = (): ToolError => new ToolError('cancelled', 'the call ended before the client answered');
