/**
 * Answers of tools that only read, kept for a while: equal calls of one key run once, while the first of them runs and
 * for `cacheSeconds` after its end.
 *
 * A1. Equal calls have the same tool, the same arguments as JSON, and the same key, which tools can see. What else a
 *     tool could see of its caller is not shown to a run that may be shared: nobody to ask, no `requestMeta`, no
 *     baggage. The run is part of the trace of the call that began it.
 * A2. Failures are told to all that wait for them, and not kept.
 * A3. Bounded in bytes: what was used least recently goes first, and a large answer is not kept.
 */
import { createHash } from 'node:crypto';
import type { RunningCall } from '../../call/running-call.ts';
import type { TraceContext } from '../../call/trace-context.ts';
import type { AdmittedCall } from '../../runners/runner.ts';
import { canonicalText } from './canonical-arguments.ts';
import type { OnDefect } from './end-listeners.ts';
import { type Answer, answeredCall, SharedRun } from './shared-run.ts';

const MOST_BYTES = 64 * 1024 ** 2;
const MOST_BYTES_EACH = 16 * 1024 ** 2;
/** What an entry takes besides its answer. */
const ENTRY_BYTES = 512;

interface Kept extends Answer {
  readonly until: number;
}

/** How a call is run that may be shared. */
export interface Share {
  /** For so long its answer is kept, in milliseconds. */
  readonly keepMs: number;
  /** The longest that it may run, in milliseconds. */
  readonly timeoutMs: number;
  run(request: AdmittedCall): RunningCall;
}

/** What is shown of the cache. */
export interface CacheView {
  readonly answers: number;
  readonly bytes: number;
  /** Calls that were answered without a run of their own, and those that were run. */
  readonly hits: number;
  readonly misses: number;
}

export class AnswerCache {
  readonly #onDefect: OnDefect;
  readonly #now: () => number;
  /** Used least recently first. */
  readonly #answers = new Map<string, Kept>();
  readonly #runs = new Map<string, SharedRun>();
  #bytes = 0;
  #hits = 0;
  #misses = 0;

  /** @param now a clock in milliseconds. */
  constructor(onDefect: OnDefect, now: () => number = () => performance.now()) {
    this.#onDefect = onDefect;
    this.#now = now;
  }

  /** Answers a call by a run of its own, or by that of an equal one. */
  call(request: AdmittedCall, share: Share): RunningCall {
    const key = keyOf(request);
    if (key === null) return share.run(request);
    const answer = this.#find(key);
    const run = answer ? undefined : this.#runs.get(key);
    if (answer || run) this.#hits++;
    else this.#misses++;
    if (answer) return answeredCall(request, answer, this.#onDefect);
    return (run ?? this.#begin(key, request, share)).join(request);
  }

  #find(key: string): Answer | undefined {
    const kept = this.#answers.get(key);
    if (!kept) return undefined;
    this.#answers.delete(key);
    if (kept.until > this.#now()) {
      this.#answers.set(key, kept);
      return kept;
    }
    this.#bytes -= kept.size;
    return undefined;
  }

  #begin(key: string, request: AdmittedCall, share: Share): SharedRun {
    const { trace, runs } = request;
    const asked: AdmittedCall = {
      ...request,
      streams: true, // chunks are what later calls need; each puts its own list together
      repeatBytes: 0,
      timeoutMs: undefined, // each has its own deadline
      abilities: undefined,
      requestMeta: undefined,
      trace: withoutBaggage(trace),
      runs: runs && (() => withoutBaggage(runs())),
    };
    const run = new SharedRun(share.run(asked), {
      mostBytes: MOST_BYTES_EACH,
      timeoutMs: share.timeoutMs,
      onDefect: this.#onDefect,
      onClosed: (answer) => {
        if (this.#runs.get(key) !== run) return; // forgotten meanwhile
        this.#runs.delete(key);
        if (answer) this.#keep(key, answer, share.keepMs);
      },
    });
    this.#runs.set(key, run);
    return run;
  }

  #keep(key: string, answer: Answer, keepMs: number): void {
    const now = this.#now();
    const size = answer.size + ENTRY_BYTES;
    this.#answers.set(key, { ...answer, size, until: now + keepMs });
    this.#bytes += size;
    for (const [old, { until, size }] of this.#answers) {
      if (this.#bytes <= MOST_BYTES && until > now) break;
      this.#answers.delete(old);
      this.#bytes -= size;
    }
  }

  /** Forgets every answer; what runs is not joined any more. */
  clear(): void {
    this.#answers.clear();
    this.#runs.clear();
    this.#bytes = 0;
  }

  view(): CacheView {
    return { answers: this.#answers.size, bytes: this.#bytes, hits: this.#hits, misses: this.#misses };
  }
}

function withoutBaggage(trace: TraceContext | undefined): TraceContext | undefined {
  if (trace?.baggage === undefined) return trace;
  const { baggage: _, ...rest } = trace;
  return rest;
}

/** Of equal calls the same, and short; null for arguments that cannot be compared. */
function keyOf({ name, caller, arguments: args }: AdmittedCall): string | null {
  const text = canonicalText(args);
  if (text === null) return null;
  return createHash('sha256')
    .update(JSON.stringify([name, caller.keyId]))
    .update(text)
    .digest('base64');
}
