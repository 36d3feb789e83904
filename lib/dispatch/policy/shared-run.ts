/**
 * One run of a tool for all calls that are equal: those that come while it runs join it.
 *
 * S1. It is asked for its next event when one of its calls is about to want it and none lies too far behind:
 *     back-pressure reaches the tool as with a call of its own, and what is held is bounded.
 * S2. Whoever joins gets all chunks from the first on, which are kept for that; once they are more than an answer that
 *     may be kept, nobody can join any more.
 * S3. It runs for as long as one of its calls is left, whoever came first, and never longer than its tool's and the
 *     gateway's own limit.
 */
import type { ResultEvent, TerminalEvent, ToolEvent } from '../../call/call-events.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall } from '../../runners/runner.ts';
import type { OnDefect } from './end-listeners.ts';
import { SharedCall, type Source, sizeOf, sizeOfText } from './shared-call.ts';

type ChunksEvent = Extract<ToolEvent, { type: 'chunks' }>;

/** What is left of a run: all that a later call needs. */
export interface Answer {
  readonly chunks: readonly ChunksEvent[];
  readonly end: ResultEvent;
  /** Bytes that it takes. */
  readonly size: number;
}

export interface SharedRunOptions {
  /** Bytes that an answer may take to be kept, and that a call may lie behind the others. */
  readonly mostBytes: number;
  /** Milliseconds. */
  readonly timeoutMs: number;
  readonly onDefect: OnDefect;
  /** Nobody may join any more. @param answer what is left of it, where it is worth keeping. */
  readonly onClosed: (answer: Answer | null) => void;
}

export class SharedRun implements Source {
  readonly #run: RunningCall;
  readonly #options: SharedRunOptions;
  readonly #calls = new Set<SharedCall>();
  #kept: ChunksEvent[] | null = [];
  #keptBytes = 0;
  #hasRunEnded = false;
  #isClosed = false;
  #wake: (() => void) | null = null;

  constructor(run: RunningCall, options: SharedRunOptions) {
    this.#run = run;
    this.#options = options;
    const { timeoutMs } = options;
    const deadline = setTimeout(
      () => run.cancel('deadline_exceeded', `the tool did not end within its ${timeoutMs} ms`),
      timeoutMs,
    );
    run.onEnd(() => {
      clearTimeout(deadline);
      this.#hasRunEnded = true;
      this.wanted();
    });
    void this.#pump();
  }

  get hasStarted(): boolean {
    return this.#run.hasStarted;
  }

  get retries(): number {
    return this.#run.retries ?? 0;
  }

  join(request: AdmittedCall): SharedCall {
    const call = new SharedCall(request, this, this.#calls.size > 0, this.#options.onDefect);
    this.#calls.add(call);
    if (this.hasStarted) call.take({ type: 'started' });
    for (const chunks of this.#kept ?? []) call.take(chunks);
    this.wanted();
    return call;
  }

  wanted(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  left(call: SharedCall): void {
    this.#calls.delete(call);
    if (this.#calls.size === 0 && !this.#hasRunEnded) {
      this.#close(null);
      this.#run.cancel('cancelled', 'nobody waits for the answer any more');
    }
    this.wanted();
  }

  /** What has ended holds no more than it has sent, and is read to its end. */
  #mayGoOn(): boolean {
    if (this.#hasRunEnded) return true;
    let isWanted = false;
    for (const call of this.#calls) {
      if (call.unreadBytes > this.#options.mostBytes) return false;
      isWanted ||= call.isHungry;
    }
    return isWanted;
  }

  async #pump(): Promise<void> {
    try {
      for await (const event of this.#run) {
        if (event.type === 'result' || event.type === 'error') this.#finish(event);
        else this.#pass(event);
        while (!this.#mayGoOn())
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
      }
    } catch (error) {
      this.#options.onDefect(error);
      const message = 'the gateway failed to read the call; its log has the cause';
      const failure = new ToolError('internal', message, { cause: error });
      this.#finish({ type: 'error', error: failure, chunks: 0, durationMs: 0 });
    }
  }

  #pass(event: ToolEvent): void {
    if (event.type === 'chunks' && this.#kept) this.#keep(event, this.#kept);
    for (const call of this.#calls) call.take(event);
  }

  #keep(event: ChunksEvent, kept: ChunksEvent[]): void {
    kept.push(event);
    this.#keptBytes += sizeOf(event);
    if (this.#keptBytes <= this.#options.mostBytes) return;
    this.#kept = null;
    this.#close(null);
  }

  #finish(end: TerminalEvent): void {
    this.#hasRunEnded = true;
    this.#close(end.type === 'result' && !isFailure(end) ? this.#answer(end) : null);
    for (const call of [...this.#calls]) call.take(end);
    this.#calls.clear();
  }

  #answer(end: ResultEvent): Answer | null {
    const { data, meta, relayed } = end;
    const texts = [data, meta, relayed].reduce((sum, text) => sum + sizeOfText(text ?? ''), 0);
    const size = this.#keptBytes + texts;
    return this.#kept && size <= this.#options.mostBytes ? { chunks: this.#kept, end, size } : null;
  }

  #close(answer: Answer | null): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#options.onClosed(answer);
  }
}

/** A tool may tell a failure by content, as MCP has it. */
const isFailure = ({ shape, data }: ResultEvent): boolean =>
  shape !== 'other' && data?.includes('"isError":true') === true;

/** A call that what was kept of an earlier run answers. */
export function answeredCall(request: AdmittedCall, { chunks, end }: Answer, onDefect: OnDefect): SharedCall {
  const call = new SharedCall(request, ANSWERED, true, onDefect);
  // Whoever started it shall be there to hear of its end.
  queueMicrotask(() => {
    call.take({ type: 'started' });
    for (const event of chunks) call.take(event);
    call.take(end);
  });
  return call;
}

const ANSWERED: Source = { hasStarted: true, wanted: () => undefined, left: () => undefined };
