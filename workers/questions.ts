/**
 * What a running tool has asked its client and not yet heard about.
 *
 * Q1. A form that comes back filled in fits the schema that was asked, whatever transport and client it came through;
 *     one that does not is an error to the tool. So is an answer that is none to what was asked.
 */

import { OwnMap } from '../lib/async/own-collections.ts';
import type { AskMethod } from '../lib/call/call-events.ts';
import type { JsonSchema } from '../lib/call/catalog.ts';
import { ToolError } from '../lib/call/tool-error.ts';
import type { CallTask, HostFrame } from '../lib/runners/threads/port/frames.ts';
import { NativePromise, parse } from './intrinsics/captured.ts';
import { freeText, MAX_FREE_BYTES } from './json-text.ts';
import { compileCheck } from './loading/schema.ts';
import { writeSampledBytes } from './mcp-content.ts';
import type { Outbox } from './outbox.ts';

interface Open {
  readonly method: AskMethod;
  /** The schema of a form. */
  readonly schema: JsonSchema | undefined;
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
    if (method === 'sample' && isObject(plain)) writeSampledBytes(plain);
    const ask = ++this.#asked;
    return new NativePromise((resolve, reject) => {
      this.#open.set(ask, { method, resolve, reject, schema: schemaOf(method, plain) });
      this.#outbox.post({ type: 'ask', call: this.#task.call, ask, method, params: plain });
      this.#outbox.flush();
    });
  }

  answer(frame: Extract<HostFrame, { type: 'answer' }>): void {
    const open = this.#open.get(frame.ask);
    this.#open.delete(frame.ask);
    if (!open) return;
    if (frame.error) open.reject(ToolError.fromWire(frame.error));
    else if (!isAnswerTo[open.method](frame.value)) open.reject(noAnswer(open.method));
    else if (open.schema && isAccepted(frame.value)) void settle(open, open.schema, frame.value);
    else open.resolve(frame.value);
  }

  close(): void {
    this.#isClosed = true;
    this.#open.forEach((open) => {
      open.reject(ended());
    });
    this.#open.clear();
  }
}

/** A filled-in form. */
interface Accepted {
  readonly action: 'accept';
  readonly content?: unknown;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const isAccepted = (answer: unknown): answer is Accepted => isObject(answer) && answer['action'] === 'accept';

const ACTIONS: readonly unknown[] = ['accept', 'decline', 'cancel'];
const isRoot = (root: unknown): boolean => isObject(root) && typeof root['uri'] === 'string';

/** Whether a value is an answer at all, before what was asked is looked at. */
const isAnswerTo: Readonly<Record<AskMethod, (value: unknown) => boolean>> = {
  elicit: (value) => isObject(value) && ACTIONS.includes(value['action']),
  sample: (value) => isObject(value) && isObject(value['content']),
  roots: (value) => isObject(value) && Array.isArray(value['roots']) && value['roots'].every(isRoot),
};

const EXPECTED: Readonly<Record<AskMethod, string>> = {
  elicit: '{"action": "accept", "content": {…}}, or "decline" or "cancel" for the action',
  sample: '{"role", "content": {…}, "model"}',
  roots: '{"roots": [{"uri"}]}',
};

const noAnswer = (method: AskMethod): ToolError =>
  new ToolError(
    'failed_precondition',
    `the client's answer is none to what was asked (${method}); expected ${EXPECTED[method]}`,
  );

function schemaOf(method: AskMethod, params: unknown): JsonSchema | undefined {
  const schema = method === 'elicit' && isObject(params) ? params['requestedSchema'] : undefined;
  return isObject(schema) ? schema : undefined;
}

/** Gives the tool the form where it fits (Q1). Never rejects. */
async function settle({ resolve, reject }: Open, schema: JsonSchema, answer: Accepted): Promise<void> {
  try {
    const check = await compileCheck({ jsonSchema: schema }, 'input');
    const checked = await check.run(answer.content ?? {});
    if (checked.ok) return resolve(answer);
    const [issue] = checked.issues;
    const where = issue?.path === '' ? '' : `"${issue?.path}" `;
    reject(
      new ToolError(
        'failed_precondition',
        `the client's answer does not fit the form: ${where}${issue?.message}`,
        {
          details: { issues: checked.issues },
        },
      ),
    );
  } catch (error) {
    reject(
      new ToolError('failed_precondition', `the form's requestedSchema is no JSON Schema: ${String(error)}`),
    );
  }
}

/** What an MCP client declares when it can be asked. */
const REQUIRED_CAPABILITIES: Readonly<Record<AskMethod, object>> = {
  elicit: { elicitation: {} },
  sample: { sampling: {} },
  roots: { roots: {} },
};

const ended = (): ToolError => new ToolError('cancelled', 'the call ended before the client answered');
