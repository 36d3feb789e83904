/**
 * What clients saw of one call, over all connections that it took, and everything in it that breaks a promise.
 *
 * O1. once: a tool that must not run twice started once at most; another at most MAX_STARTS times.
 * O2. order: ids go up by one from connection to connection, and the same id is the same bytes; indexes of chunks go up
 *     by one from 0 in each run.
 * O3. end: one end and one closing event, the same to everybody, nothing after it; what was begun ends.
 * O4. fence: a run's chunks are of one start, and no chunk of an earlier start comes after `restarted`.
 */
import type { LostMoments } from './redis-set.ts';

export const PROMISES = ['once', 'order', 'end', 'fence', 'hole', 'process deaths', 'rest'] as const;
export type Promised = (typeof PROMISES)[number];

export interface SeenEvent {
  readonly name: string;
  readonly id: string;
  readonly data: string;
}

/** A run of a call's tool, and when it began, in milliseconds since 1970. */
export interface Start {
  readonly run: string;
  readonly at: number;
}

/** How a call ended that no gateway knows. */
export const NEVER_MADE = 'never made';

const MOST_NOTES = 60;
/** What is begun in Redis shows so much later at most. */
const SLACK_MS = 4000;

export class ObservedCall {
  readonly name: string;
  readonly isOnce: boolean;
  readonly count: number;
  #callId: string | null = null;
  /** How it ended, or null. */
  ending: string | null = null;
  /** Events that a client was told to be gone. */
  holesTold = 0;
  connections = 0;
  /** How long its client was busy with it. */
  lifeMs = 0;
  restarts = 0;
  /** When it was made and when it was over for its client, in milliseconds since 1970; when it was certain that it was made. */
  readonly since = Date.now();
  until = Number.POSITIVE_INFINITY;
  knownAt = Number.POSITIVE_INFINITY;
  cancelledAt = Number.NaN;
  /** A client was told that it has cancelled the call. */
  isCancelAcknowledged = false;
  readonly #report: (promise: Promised, text: string) => void;
  /** What its client did and was told, for whoever has to find out. */
  readonly trail: string[] = [];
  readonly #madeAt = performance.now();
  readonly #texts: string[] = [];
  #index = 0;
  #chunks = 0;
  #run: string | null = null;
  readonly #runs = new Set<string>();
  #isClosed = false;

  constructor(
    { name, isOnce, count }: { readonly name: string; readonly isOnce: boolean; readonly count: number },
    report: (promise: Promised, text: string) => void,
  ) {
    this.name = name;
    this.isOnce = isOnce;
    this.count = count;
    this.#report = (promise, text) => {
      this.isSuspect = true;
      report(promise, `${name} ${this.callId}: ${text}`);
    };
  }

  get callId(): string | null {
    return this.#callId;
  }

  set callId(id: string | null) {
    this.#callId = id;
    this.knownAt = Math.min(this.knownAt, Date.now());
  }

  /** The number of the last event that was seen; 0: none. */
  get last(): number {
    return this.#texts.length;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get runs(): ReadonlySet<string> {
    return this.#runs;
  }

  get chunks(): number {
    return this.#chunks;
  }

  violate(promise: Promised, text: string): void {
    this.#report(promise, text);
  }

  /** Whether it broke a promise. */
  isSuspect = false;

  note(what: string): void {
    this.trail.push(`${((performance.now() - this.#madeAt) / 1000).toFixed(1)} ${what}`);
    if (this.trail.length > MOST_NOTES) this.trail.splice(MOST_NOTES / 2, 1, '…');
  }

  /** An event that a connection brought. */
  see({ name, id, data }: SeenEvent): void {
    const number = Number(id.slice(id.lastIndexOf('.') + 1));
    const text = `${name} ${data}`;
    if (!Number.isInteger(number)) return this.#report('order', `an event with the id ${JSON.stringify(id)}`);
    const known = this.#texts[number - 1];
    if (known !== undefined) {
      if (known !== text)
        this.#report('order', `event ${number} was ${known.slice(0, 120)} and is ${text.slice(0, 120)}`);
      return;
    }
    if (this.#isClosed)
      return this.#report('end', `event ${number} after the closing one: ${text.slice(0, 80)}`);
    if (number !== this.#texts.length + 1) {
      this.#report('hole', `event ${number} follows ${this.#texts.length}: ${text.slice(0, 80)}`);
      while (this.#texts.length < number - 1) this.#texts.push('');
    }
    this.#texts.push(text);
    this.#take(name, JSON.parse(data));
  }

  #take(name: string, data: Record<string, unknown>): void {
    switch (name) {
      case 'chunk':
        return this.chunk(data as never);
      case 'restarted':
        return this.restarted();
      case 'result':
      case 'error':
        return this.ended(
          name === 'result' ? 'success' : String((data['code'] ?? (data['error'] as never)) || '?'),
        );
      case 'done':
        this.closed();
        if (this.ending === null) this.#report('end', 'the closing event came without an end');
        return;
      default:
    }
  }

  /** A chunk, in the order in which they came. */
  chunk({ index, data: item }: { readonly index: number; readonly data: { at: number; run: string } }): void {
    if (index !== this.#index || item.at !== index)
      this.#report('order', `chunk ${index} (${item.at}) where ${this.#index} is due`);
    this.#index = index + 1;
    this.#chunks = this.#index;
    if (this.#run === null) {
      if (this.#runs.has(item.run)) this.#report('fence', `chunk ${index} is of a run that is over`);
      this.#run = item.run;
      this.#runs.add(item.run);
    } else if (this.#run !== item.run) {
      this.#report('fence', `chunk ${index} is of another run than the one before`);
      this.#run = item.run;
    }
  }

  /** The tool runs again, and what came before is void. */
  restarted(): void {
    this.restarts++;
    if (this.isOnce) this.#report('once', 'restarted, and it must not run twice');
    this.#index = 0;
    this.#run = null;
  }

  /** Nothing more comes. */
  closed(): void {
    this.#isClosed = true;
    this.until = Math.min(this.until, Date.now());
  }

  /** @param chunks 0 where none was asked for. */
  ended(how: string, chunks = this.#texts.length): void {
    if (this.ending !== null && this.ending !== how)
      this.#report('end', `it ended ${this.ending}, and then ${how}`);
    this.ending ??= how;
    if (how === 'success' && chunks > 0 && this.#index !== this.count)
      this.#report('hole', `success with ${this.#index} chunks of ${this.count}`);
  }

  /**
   * It is told that some of what it wants is no longer kept. What a stream's reader has not seen is kept while it is at
   * most RESUME_BYTES, more than calls of a run have on their way; one that comes without having seen anything may be late.
   */
  goneAfter(): void {
    this.holesTold++;
    if (this.last > 0) this.#report('hole', `410 behind event ${this.last}`);
    this.answered('gone', []);
  }

  /** A synchronous answer brings everything at once. */
  answered(how: string, data: unknown): void {
    this.ended(how);
    this.closed();
    if (how !== 'success') return;
    const items = data as readonly { at: number; run: string }[];
    const isDense = items.length === this.count && items.every(({ at }, index) => at === index);
    if (!isDense)
      this.#report('hole', `an answer with ${items.length} chunks of ${this.count}, or out of order`);
    const runs = new Set(items.map(({ run }) => run));
    if (runs.size > 1) this.#report('fence', 'an answer with chunks of several runs');
    for (const run of runs) this.#runs.add(run);
  }

  /** When all is over. @param starts the runs that the log has. @param maxStarts of a tool that may run again. */
  judge(starts: readonly Start[], maxStarts: number): void {
    if (starts.length > (this.isOnce ? 1 : maxStarts))
      this.#report('once', `it started ${starts.length} times`);
    for (const run of this.#runs)
      if (!starts.some((start) => start.run === run))
        this.#report('fence', `a run ${run} that never started`);
    if (this.callId !== null && !this.#isClosed)
      this.#report('end', `it never ended (${this.#texts.length} events)`);
    if (this.ending === NEVER_MADE && starts.length > 0)
      this.#report('end', 'nobody knows it, and it started');
    // A gateway without Redis has refused it, and another, with Redis, has cancelled what was in the queue: it never ran.
    const isRefused = starts.length === 0 && (this.ending === 'unavailable' || this.ending === 'overloaded');
    if (this.isCancelAcknowledged && this.ending !== 'cancelled' && !isRefused)
      this.#report('end', `a cancel was acknowledged, and it ended ${this.ending}`);
  }
  /**
   * Whether a promise could not be kept, since Redis has lost what nobody else may know (docs/fleet.md, What is not
   * promised): that the call was made, begun or cancelled, or what a run that ended with it had told.
   */
  isExcused(promise: Promised, starts: readonly Start[], lost: readonly LostMoments[]): boolean {
    const meets = (from: number, to: number) =>
      lost.some((moments) => from <= moments.to + SLACK_MS && to >= moments.from);
    const known = Math.min(this.knownAt, this.until);
    const isFresh = meets(this.since, known) || starts.some(({ at }) => meets(at, at));
    if (promise === 'once') return isFresh;
    if (promise === 'end') return isFresh || meets(this.cancelledAt, this.cancelledAt);
    return (this.restarts > 0 || this.ending === 'gone') && meets(this.since, this.until);
  }
}
