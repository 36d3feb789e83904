/**
 * One task of revision 2025-11-25: a tools/call whose client asks for its state and its result when it likes.
 *
 * T1. It is the outlet of its call. While a tasks/result waits, what the call tells goes there, else to the session's
 *     own stream; either way the tool is held until that reader took it.
 * T2. A terminal status never changes. The result is what the call would have answered; all who wait for it get it.
 * T3. A question of the tool makes the task `input_required` and is put on the newest tasks/result. When that one
 *     leaves, the question waits for the next.
 * T4. Every message names the task in `_meta`, so that the client can tell which one it belongs to.
 * T5. What is kept for its client is what it ended with: its call and what ran that are let go with the end.
 */
import { randomBytes } from 'node:crypto';
import type { TerminalEvent } from '../../../call/call-events.ts';
import type { RunningCall } from '../../../call/running-call.ts';
import type { CallWishes } from '../calls/call-notifier.ts';
import type { AskEvent, Asker, ServedCall } from '../calls/served-call.ts';
import { type Era, SESSION_ERA } from '../era.ts';
import { faultText, type McpFault } from '../fault.ts';
import { jsonText, type MessageId, notificationText, type Params } from '../message.ts';
import type { Outlet } from '../outlet.ts';

const RELATED_TASK = 'io.modelcontextprotocol/related-task';
/** How often clients are told to ask for the state. */
const POLL_INTERVAL_MS = 500;

type TaskStatus = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';

/** How a task reaches the client of its session. */
export interface TaskLine {
  /** Writes a message that belongs to no request. @returns undefined, or what settles when the client took it. */
  tell(text: string): Promise<void> | undefined;
  /** Puts a question on the exchange of a request; false when `left` came before the answer. */
  ask(ask: AskEvent, call: RunningCall, on: MessageId, meta: Params, left: AbortSignal): Promise<boolean>;
}

/** A tasks/result that waits. */
interface Reader {
  readonly id: MessageId;
  readonly outlet: Outlet;
  readonly left: AbortController;
  readonly settle: () => void;
}

export class McpTask implements Outlet {
  readonly id: string;
  readonly ttlMs: number;
  /** How the result of this task looks. */
  readonly era: Era;
  readonly #line: TaskLine;
  readonly #createdAt = new Date();
  #updatedAt = this.#createdAt;
  #status: TaskStatus = 'working';
  #statusMessage: string | undefined;
  #served: ServedCall | undefined;
  #end: TerminalEvent | undefined;
  /** The response without its head, once the call has ended. */
  #payload: string | undefined;
  #told: Promise<void> | undefined;
  readonly #readers = new Map<MessageId, Reader>();
  /** Open questions, and the reader that each was put on. */
  readonly #questions = new Map<AskEvent, Reader | undefined>();

  constructor(ttlMs: number, line: TaskLine, id = randomBytes(18).toString('base64url')) {
    this.id = id;
    this.ttlMs = ttlMs;
    this.#line = line;
    const related = `"${RELATED_TASK}":${JSON.stringify({ taskId: this.id })}`;
    this.era = {
      isStateless: false,
      result(body, meta) {
        const own = !meta || meta === '{}' ? '' : `${meta.slice(1, -1)},`;
        return SESSION_ERA.result(body, `{${own}${related}}`);
      },
    };
  }

  /** The state as JSON text of an object. */
  get text(): string {
    return JSON.stringify({
      taskId: this.id,
      status: this.#status,
      statusMessage: this.#statusMessage,
      createdAt: this.#createdAt.toISOString(),
      lastUpdatedAt: this.#updatedAt.toISOString(),
      ttl: this.ttlMs,
      pollInterval: POLL_INTERVAL_MS,
    });
  }

  get isTerminal(): boolean {
    return this.#status !== 'working' && this.#status !== 'input_required';
  }

  get status(): string {
    return this.#status;
  }

  /** Milliseconds until the time that the client wanted the task kept is over; negative when it is. */
  get msLeft(): number {
    return this.#createdAt.getTime() + this.ttlMs - Date.now();
  }

  /** What the kept result takes. */
  get resultBytes(): number {
    return Buffer.byteLength(this.#payload ?? '');
  }

  readonly asker: Asker = (ask) => {
    this.#questions.set(ask, undefined);
    this.#become('input_required', 'the tool asks something; tasks/result brings the question');
    this.#putQuestions();
    return undefined;
  };

  /** Runs the call to its end. */
  async run(served: ServedCall, wishes: CallWishes): Promise<void> {
    this.#served = served;
    served.call.onEnd((end) => {
      this.#end = end;
    });
    try {
      await served.serve(this.id, this, wishes);
    } finally {
      this.#served = undefined; // T5
    }
    if (this.isTerminal) this.#end = undefined;
  }

  /** Answers a tasks/result, at the call's end. @param track is given what ends the request without an answer. */
  read(id: MessageId, outlet: Outlet, track: (reader: { drop(): void }) => void): Promise<void> {
    if (this.#payload !== undefined) {
      outlet.respond(this.#response(id, this.#payload));
      return Promise.resolve();
    }
    return new Promise((settle) => {
      this.#readers.set(id, { id, outlet, left: new AbortController(), settle });
      track({ drop: () => this.#leave(id) });
      outlet.open();
      this.#putQuestions();
    });
  }

  /** Ends the call; its result says that it was cancelled. */
  cancel(): void {
    this.#become('cancelled', 'the client cancelled the task');
    this.#served?.call.cancel('cancelled', 'the task was cancelled');
  }

  /** Ends the call and every exchange that waits for it, without another word. */
  drop(): void {
    this.#become('cancelled', 'the session ended', false);
    this.#served?.drop();
    this.abandon();
  }

  named(): void {}

  open(): void {}

  send(text: string): void {
    const message = JSON.parse(text) as { params: Params & { _meta?: Params } };
    const { params } = message;
    const related = { ...message, params: { ...params, _meta: { ...params._meta, ...this.#meta } } };
    const reader = this.#newestReader;
    if (reader) reader.outlet.send(JSON.stringify(related));
    else this.#tell(JSON.stringify(related));
  }

  ready(): Promise<void> | undefined {
    const reader = this.#newestReader;
    return reader ? reader.outlet.ready() : this.#told;
  }

  respond(text: string): void {
    if (this.#end?.type === 'error') {
      const { code, message } = this.#end.error;
      this.#finish(text, code === 'cancelled' ? 'cancelled' : 'failed', message);
    } else this.#finish(text, saysError(text) ? 'failed' : 'completed');
  }

  /** Answers with a fault what the call did not come to answer. */
  fail(fault: McpFault): void {
    this.#finish(faultText(this.id, fault), 'failed', fault.message);
  }

  abandon(): void {
    for (const { outlet } of this.#readers.values()) outlet.abandon();
    this.#release();
  }

  get #meta(): Params {
    return { [RELATED_TASK]: { taskId: this.id } };
  }

  get #newestReader(): Reader | undefined {
    return [...this.#readers.values()].at(-1);
  }

  #response(id: MessageId, payload: string): string {
    return `{"jsonrpc":"2.0","id":${jsonText(id)},${payload}`;
  }

  #finish(response: string, status: TaskStatus, message?: string): void {
    if (this.#payload !== undefined) return;
    const payload = response.slice(this.#response(this.id, '').length);
    this.#payload = payload;
    this.#questions.clear();
    this.#become(status, message);
    for (const { id, outlet } of this.#readers.values()) outlet.respond(this.#response(id, payload));
    this.#release();
  }

  #become(status: TaskStatus, message?: string, tells = true): void {
    if (this.isTerminal || this.#status === status) return;
    this.#status = status;
    this.#statusMessage = message;
    this.#updatedAt = new Date();
    if (tells) this.#tell(notificationText('notifications/tasks/status', this.text));
  }

  #tell(text: string): void {
    const told = this.#line.tell(text);
    this.#told = told;
    void told?.then(() => {
      if (this.#told === told) this.#told = undefined;
    });
  }

  #putQuestions(): void {
    const reader = this.#newestReader;
    if (!reader || !this.#served) return;
    for (const [ask, carrier] of this.#questions) {
      if (!carrier || carrier.left.signal.aborted) void this.#put(ask, reader, this.#served.call);
    }
  }

  async #put(ask: AskEvent, reader: Reader, call: RunningCall): Promise<void> {
    this.#questions.set(ask, reader);
    const isSettled = await this.#line.ask(ask, call, reader.id, this.#meta, reader.left.signal);
    if (isSettled && this.#questions.delete(ask) && this.#questions.size === 0) this.#become('working');
  }

  #leave(id: MessageId): void {
    const reader = this.#readers.get(id);
    if (!reader) return;
    this.#readers.delete(id);
    reader.left.abort();
    reader.outlet.abandon();
    reader.settle();
    this.#putQuestions();
  }

  #release(): void {
    for (const { settle } of this.#readers.values()) settle();
    this.#readers.clear();
  }
}

/** Whether a tool that did not fail says in its own content that it did. */
function saysError(response: string): boolean {
  if (!response.includes('"isError":true')) return false;
  return (JSON.parse(response) as { result?: { isError?: unknown } }).result?.isError === true;
}
