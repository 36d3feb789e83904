/**
 * One call on its thread: checks the input, drives the tool, and ends with exactly one terminal frame.
 *
 * T1. Nothing a tool throws, returns or yields reaches Piscina: `throw null` would count as success there, and a
 *     value that cannot be cloned would kill the thread.
 * T2. When the input has been accepted and before the tool runs, the call is marked as begun where the gateway can
 *     see it whatever the tool does; a streaming caller is told at once by `started`.
 * T3. The event loop turns at least every 5 ms of yielding, and every `progress` looks at the port, so that a
 *     cancel gets through to a tool that never waits for anything else.
 * T4. After the terminal frame the call sends nothing.
 */
import { ERROR_CODES } from '../lib/call/error-code.ts';
import type { LogLevel } from '../lib/call/log-level.ts';
import type { CancelReason } from '../lib/call/running-call.ts';
import { describeThrown, ToolError } from '../lib/call/tool-error.ts';
import type { ToolNotice } from '../lib/runners/runner.ts';
import type { CallTask, HostFrame } from '../lib/runners/threads/port/frames.ts';
import { asyncIteratorOf, endEarly } from './async-stream.ts';
import { bounded } from './bounded-text.ts';
import { checkInput, checkOutput, checkOwn } from './call-checks.ts';
import { kindOfThrown, toCallError } from './call-error.ts';
import { ChunkStream } from './chunk-stream.ts';
import type { Executable } from './executable.ts';
import { hasOwn, keys, NativeAbortController, now, parse, toText } from './intrinsics/captured.ts';
import type { Check } from './loading/schema.ts';
import type { Outbox } from './outbox.ts';
import { Pace, type Rests } from './pace.ts';
import { ProgressThrottle } from './progress-throttle.ts';
import { Questions } from './questions.ts';
import { chunkText, resultText } from './result-text.ts';
import { type ContextRun, createToolContext } from './tool-context.ts';
import type { Turn, Turns } from './turns.ts';

/** What the gateway says to a call that runs. */
export type FrameOfRun = Exclude<HostFrame, { type: 'call' | 'ping' | 'describe' }>;

/** What a run needs of its thread. */
export interface RunHost {
  readonly outbox: Outbox;
  /** Of the runs that yield in a loop. */
  readonly turns: Turns;
  /** Lets a run that is alone, or has its turn, yield in a loop at less cost. @returns what it has to wait for, if anything. */
  sprint(run: ToolRun): Promise<void> | undefined;
  /** Whether it has one run only. */
  readonly isAlone: boolean;
  /** Marks the call as begun. */
  begin(task: CallTask): void;
  log(run: ToolRun, level: LogLevel, message: string, data?: unknown): void;
  /** Reads the port now when the event loop has not turned for a while. */
  pollPort(): void;
  /** Looks whether the thread is still fit for other calls. */
  inspect(): void;
  /** Lets the thread have no more calls. */
  retire(reason: string): void;
}

const BROKEN = 'the thread of the call is broken and could not end it as it should; it is replaced';

/** Not by `instanceof`, whose meaning a tool can change. */
const isFound = (found: Executable | Promise<Executable>): found is Executable => hasOwn(found, 'invoke');
/** A chunk that was so long in coming may be a large one; those that come thick and fast are not measured first. */
const BIG_AFTER_MS = 2;

export class ToolRun implements ContextRun, Rests {
  readonly task: CallTask;
  readonly #host: RunHost;
  readonly #maxResultBytes: number;
  readonly #chunks: ChunkStream;
  readonly #progress: ProgressThrottle;
  readonly #questions: Questions;
  /** The one that it waits for, or had last. */
  #turn: Turn | null = null;
  readonly #onEnd: (call: number) => void;
  readonly meta: Record<string, unknown> = {};
  #abort: AbortController | null = null;
  #cancelled: ToolError | null = null;
  #isEnded = false;
  #begunAt: number | null = null;

  constructor(task: CallTask, host: RunHost, maxResultBytes: number, onEnd: (call: number) => void) {
    this.task = task;
    this.#host = host;
    this.#maxResultBytes = maxResultBytes;
    this.#onEnd = onEnd;
    const { call } = task;
    this.#chunks = new ChunkStream({
      streams: task.streams,
      repeatBytes: task.repeatBytes,
      maxChunkBytes: maxResultBytes,
      send: (index, count, text) => {
        host.outbox.post({ type: 'chunks', call, index, count, text });
      },
    });
    this.#progress = new ProgressThrottle((progress, total, message) => {
      if (!task.streams || this.#isEnded) return;
      this.#chunks.flush();
      host.outbox.post({ type: 'progress', call, progress, total, message });
      host.outbox.flush();
    });
    this.#questions = new Questions(task, host.outbox);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Made when first asked for: most calls never look at it. */
  get signal(): AbortSignal {
    if (!this.#abort) {
      this.#abort = new NativeAbortController();
      if (this.#cancelled) this.#abort.abort(this.#cancelled);
    }
    return this.#abort.signal;
  }

  progress(value: number, total?: number | null, message?: string): void {
    this.#host.pollPort();
    this.#progress.report(value, total ?? null, bounded(toText(message ?? '')));
  }

  log(level: LogLevel, message: string, data?: unknown): void {
    this.#host.log(this, level, bounded(toText(message)), data);
  }

  get questions(): Questions {
    return this.#questions;
  }

  notice(notice: ToolNotice): void {
    this.#host.outbox.post({ type: 'notice', notice });
  }

  /** Runs the call to its end; never rejects. */
  async execute(found: Executable | Promise<Executable>): Promise<void> {
    try {
      const executable = isFound(found) ? found : await found;
      const input = await checkInput(this.task, executable.input);
      if (this.#cancelled) throw this.#cancelled;
      this.#begin();
      let value: unknown = await executable.invoke(input as never, createToolContext(this));
      const stream = asyncIteratorOf(value);
      if (stream) value = await this.#drive(stream, executable.chunk);
      if (stream && value === undefined) await this.#checkRepeat(executable.output);
      else value = await checkOutput(this.task, executable.output, value, this.#maxResultBytes);
      this.#succeed(value, stream !== null && value === undefined, executable);
    } catch (thrown) {
      this.#failFor(thrown);
    }
  }

  #failFor(thrown: unknown): void {
    try {
      this.#fail(this.#cancelled ?? toCallError(thrown, this.task.name, this.#maxResultBytes));
    } catch {
      this.#breakOff();
    }
  }

  /** Not even failing has worked: what that takes is broken. The call ends by what is left. */
  #breakOff(): void {
    const { call } = this.task;
    this.#isEnded = true;
    this.#onEnd(call);
    const error = { code: 'internal', message: BROKEN, retryable: false } as const;
    this.#host.outbox.post({ type: 'error', call, chunks: this.#chunks.count, error, ranMs: this.#ranMs });
    this.#host.retire('a call could not be ended as it should');
  }

  #begin(): void {
    this.#host.begin(this.task);
    this.#begunAt = now();
    if (!this.task.streams) return;
    this.#host.outbox.post({ type: 'started', call: this.task.call });
    this.#host.outbox.flush();
  }

  get #ranMs(): number | null {
    return this.#begunAt === null ? null : now() - this.#begunAt;
  }

  async #drive(iterator: AsyncIterator<unknown>, check: Check | null): Promise<unknown> {
    const { outbox } = this.#host;
    const pace = new Pace(this);
    let wroteAt = 0;
    for (;;) {
      // What it has yielded leaves before it goes on: it may block the thread. With the turn, if it waits for that, beside
      // what all others of the thread have yielded in it.
      outbox.flush();
      const step = await iterator.next();
      if (step.done) return step.value;
      try {
        if (this.#cancelled) throw this.#cancelled;
        const value = check
          ? await checkOwn(this.task, check, step.value, `chunk ${this.#chunks.count}`, this.#maxResultBytes)
          : step.value;
        const at = now();
        const json = chunkText(value, this.#chunks.count, this.#maxResultBytes, at - wroteAt > BIG_AFTER_MS);
        wroteAt = at;
        const waiting = this.#chunks.add(json, at);
        const rest = pace.rest(at, waiting);
        if (rest) {
          await rest;
          pace.rested();
        }
        if (this.#cancelled) throw this.#cancelled;
      } catch (error) {
        // The tool stands at its yield: its finally blocks run before the call ends. The gateway times a cancelled one.
        if (this.#cancelled) await iterator.return?.();
        else if (!(await endEarly(iterator))) this.#host.retire('a finally block hangs');
        throw error;
      }
    }
  }

  get areOthersWaiting(): boolean {
    return this.#host.turns.areWanted;
  }

  turnEnd(): Promise<void> {
    return this.#host.outbox.turnEnd();
  }

  busy(): Promise<void> | undefined {
    if (this.#host.isAlone) return this.#host.sprint(this);
    this.#turn = this.#host.turns.take() ?? null;
    return this.#turn === null ? undefined : this.#waitFor(this.#turn);
  }

  async #waitFor({ come }: Turn): Promise<void> {
    this.#chunks.flush(); // it may be long in coming
    await come;
    await this.#host.sprint(this);
  }

  /** The list of chunks is the result of a stream that returned nothing, and held to its schema where it is repeated. */
  async #checkRepeat(check: Check | null): Promise<void> {
    const list = check === null ? null : this.#chunks.repeated();
    if (check === null || list === null) return;
    await checkOwn(
      this.task,
      check,
      parse(list),
      'the result (the list of its chunks)',
      this.#maxResultBytes,
    );
  }

  #succeed(value: unknown, repeats: boolean, { present }: Executable): void {
    if (this.#cancelled) throw this.#cancelled;
    const { data, shape } = repeats
      ? { data: this.#chunks.repeated(), shape: 'other' as const }
      : present(value, resultText(value, this.#maxResultBytes));
    const hasMeta = keys(this.meta).length > 0;
    const meta = hasMeta ? resultText(this.meta, this.#maxResultBytes, 'ctx.meta') : null;
    this.#end();
    this.#host.outbox.post({
      type: 'result',
      call: this.task.call,
      data,
      repeats,
      shape,
      chunks: this.#chunks.count,
      meta,
      ranMs: this.#ranMs ?? 0,
    });
  }

  #fail(error: ToolError): void {
    if (this.#isEnded) return;
    this.#end();
    const { call } = this.task;
    this.#host.outbox.post({
      type: 'error',
      call,
      chunks: this.#chunks.count,
      error: ToolError.toWire(error),
      ranMs: this.#ranMs,
    });
  }

  /** Posts what still waits for its batch. */
  flush(): void {
    this.#progress.flush();
    this.#chunks.flush();
  }

  #end(): void {
    this.#host.inspect();
    this.flush();
    this.#progress.close();
    this.#chunks.close();
    this.#questions.close();
    this.#isEnded = true;
    this.#onEnd(this.task.call);
  }

  /** Ends the call because one of its errors escaped it. */
  crash(thrown: unknown): void {
    const error = new ToolError(
      'worker_crashed',
      `an error escaped the tool "${this.task.name}" (${kindOfThrown(thrown)}); its thread is replaced`,
      { cause: describeThrown(thrown) },
    );
    this.#stop(error);
    this.#fail(error);
  }

  receive(frame: FrameOfRun): void {
    if (this.#isEnded) return;
    if (frame.type === 'credit') this.#chunks.grant(frame.items, frame.bytes);
    else if (frame.type === 'answer') this.#questions.answer(frame);
    else this.#cancel(frame.reason);
  }

  #cancel(reason: CancelReason): void {
    this.#stop(new ToolError(reason, `the call was ended: ${ERROR_CODES[reason].title.toLowerCase()}`));
  }

  /** Makes the tool stop: its signal aborts, its waits end. */
  #stop(error: ToolError): void {
    if (this.#cancelled) return;
    this.#cancelled = error;
    this.#chunks.close();
    this.#turn?.begin();
    this.#questions.close();
    this.#abort?.abort(error);
  }
}
