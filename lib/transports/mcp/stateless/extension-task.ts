/**
 * One task of the extension io.modelcontextprotocol/tasks (2026-07-28): a tools/call that was answered with a handle,
 * and whose state, questions and result its client asks for when it likes.
 *
 * T1. It is the outlet of its call. Progress and log messages of a task go nowhere: the extension has none.
 * T2. A terminal status never changes. An `isError` result completes a task; only a JSON-RPC error fails it.
 * T3. The key of a question is never used again in the same task, so that no answer can meet another question.
 * T4. What is kept for its client is what it ended with: its call and what ran that are let go with the end.
 */
import type { TerminalEvent } from '../../../call/call-events.ts';
import { isAnswer, questionKey, questionOf } from '../calls/questions.ts';
import type { AskEvent, Asker, ServedCall } from '../calls/served-call.ts';
import { faultText, INVALID_PARAMS, McpFault } from '../fault.ts';
import { jsonText, type Params, responseText } from '../message.ts';
import type { Outlet } from '../outlet.ts';

/** How often clients are told to ask for the state. */
const POLL_INTERVAL_MS = 500;

type TaskStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';

export interface ExtensionTaskOptions {
  /** Nobody can guess it. */
  readonly id: string;
  /** How long it is kept, from when it was made. */
  readonly ttlMs: number;
  /** Told after every change of its state. */
  changed(): void;
  /** Told when another gateway has its call from now on. @param isAway false: one has it already. */
  moved(isAway: boolean): void;
  /** Of one that another gateway has made. */
  readonly takenOver?: { readonly createdAt: Date } | undefined;
}

export class ExtensionTask implements Outlet {
  readonly id: string;
  readonly createdAt: Date;
  readonly #options: ExtensionTaskOptions;
  #updatedAt = new Date();
  #status: TaskStatus = 'working';
  #statusMessage: string | undefined;
  #served: ServedCall | undefined;
  #end: TerminalEvent | undefined;
  /** JSON text of the member that says how it ended, `result` or `error`. */
  #outcome: string | undefined;
  readonly #questions = new Map<string, AskEvent>();
  readonly #usedKeys = new Set<string>();

  constructor(options: ExtensionTaskOptions) {
    this.id = options.id;
    this.createdAt = options.takenOver?.createdAt ?? this.#updatedAt;
    this.#options = options;
  }

  /** What a client is told when it is made: JSON members without braces. */
  get summary(): string {
    const told = {
      taskId: this.id,
      status: this.#status,
      statusMessage: this.#statusMessage,
      createdAt: this.createdAt.toISOString(),
      lastUpdatedAt: this.#updatedAt.toISOString(),
      ttlMs: this.#options.ttlMs,
      pollIntervalMs: POLL_INTERVAL_MS,
    };
    return jsonText(told).slice(1, -1);
  }

  /** The whole state: JSON members without braces. */
  get members(): string {
    if (this.#status === 'input_required') {
      const asked = Object.fromEntries([...this.#questions].map(([key, ask]) => [key, questionOf(ask)]));
      return `${this.summary},"inputRequests":${jsonText(asked)}`;
    }
    const isTold = this.#status === 'completed' || this.#status === 'failed';
    return isTold ? `${this.summary},${this.#outcome}` : this.summary;
  }

  /** Milliseconds until its time is over; negative when it is. */
  get msLeft(): number {
    return this.createdAt.getTime() + this.#options.ttlMs - Date.now();
  }

  /** What the kept result takes. */
  get resultBytes(): number {
    return Buffer.byteLength(this.#outcome ?? '');
  }

  get #isTerminal(): boolean {
    return this.#status !== 'working' && this.#status !== 'input_required';
  }

  readonly asker: Asker = (ask) => {
    const { ask: count } = ask;
    let key = questionKey(ask, count);
    // Which keys were used elsewhere is not known (T3); the number of a question is its own.
    if (this.#options.takenOver) key += `_${count}`;
    for (let n = 2; this.#usedKeys.has(key); n++) key = `${questionKey(ask, count)}_${n}`;
    this.#usedKeys.add(key);
    this.#questions.set(key, ask);
    this.#become('input_required', 'the tool asks something; answer with tasks/update');
    return undefined;
  };

  /** Runs the call to its end. */
  async run(served: ServedCall): Promise<void> {
    this.#served = served;
    served.call.onEnd((end) => {
      this.#end = end;
    });
    try {
      await served.serve(this.id, this, {});
    } finally {
      this.#served = undefined; // T4
    }
    if (this.#isTerminal) this.#end = undefined;
  }

  /** Gives the tool the answers to questions that are open; others are ignored. @throws {McpFault} for a malformed one. */
  answer(given: Params): void {
    const answers = Object.entries(given).flatMap(([key, value]) => {
      const ask = this.#questions.get(key);
      return ask ? [{ key, ask, value }] : [];
    });
    for (const { key, ask, value } of answers) {
      if (isAnswer(ask.method, value)) continue;
      const reason = `the answer to ${jsonText(key)} does not have the form of ${questionOf(ask).method}`;
      throw new McpFault(INVALID_PARAMS, reason);
    }
    for (const { key, ask, value } of answers) {
      this.#questions.delete(key);
      this.#served?.call.answer(ask.ask, { value });
    }
    if (answers.length === 0) return;
    if (this.#questions.size === 0) this.#become('working');
    else this.#touch();
  }

  cancel(): void {
    this.#become('cancelled', 'the client cancelled the task');
    this.#served?.call.cancel('cancelled', 'the task was cancelled');
  }

  /** Ends the call without another word. */
  drop(): void {
    this.#become('cancelled', 'the gateway stopped');
    this.#served?.drop();
  }

  named(): void {}

  open(): void {}

  send(): void {}

  ready(): undefined {}

  respond(text: string): void {
    if (this.#isMoved()) return;
    const head = responseText(this.id, '').length - '"result":}'.length;
    this.#outcome = text.slice(head, -1);
    if (this.#end?.type === 'error' && this.#end.error.code === 'cancelled') {
      this.#become('cancelled', this.#end.error.message);
    } else if (this.#outcome.startsWith('"error"')) {
      this.#become('failed', this.#end?.type === 'error' ? this.#end.error.message : undefined);
    } else this.#become('completed');
  }

  /** Ends it with a fault, where the call did not come to answer. */
  fail(fault: McpFault): void {
    this.respond(faultText(this.id, fault));
  }

  /** Whether its call goes on at another gateway; that is told. */
  #isMoved(): boolean {
    const end = this.#end;
    if (end?.type !== 'error' || end.isMoved !== true) return false;
    this.#options.moved(end.isAway === true);
    return true;
  }

  abandon(): void {
    if (this.#isMoved()) return;
    this.#become('cancelled', 'the call was cancelled');
  }

  #become(status: TaskStatus, message?: string): void {
    if (this.#isTerminal) return;
    this.#status = status;
    this.#statusMessage = message;
    if (this.#isTerminal) this.#questions.clear();
    this.#touch();
  }

  #touch(): void {
    this.#updatedAt = new Date();
    this.#options.changed();
  }
}
