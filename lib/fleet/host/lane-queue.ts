/**
 * One queue of BullMQ, as a host takes calls from it: by the operations that BullMQ's Worker is made of, since what that
 * does around each job, and asks of Redis in vain, is a large part of what a small call costs.
 *
 * L1. A call is taken when there is room for it, and is done when `take` has settled; then its job is gone.
 * L2. The lock of a job is renewed while it is in hand. What others hold whose locks have lapsed goes back to the queue.
 * L3. It asks for as many at a time as came the last time, and one more; where fewer came, when BullMQ says that there
 *     may be something. Calls that are taken together share their turns of the event loop, and so their writes, to the end.
 * L4. A call that is offered without the queue is taken while none waits there, and counts like all others. Where offers
 *     have filled the places for which BullMQ's word came, the word goes on to another host.
 */
import type { RedisQueueBackend } from 'bullmq';
import type { Cluster, Redis } from 'ioredis';
import { DrainGate } from '../../async/drain-gate.ts';

export interface LaneOptions {
  /** Of the queue. */
  readonly name: string;
  /** Of all queues. */
  readonly prefix: string;
  readonly nodeId: string;
  /** How many calls are in hand at most. */
  readonly capacity: number;
  readonly leaseMs: number;
  readonly connection: Redis | Cluster;
  readonly bullmq: Pick<typeof import('bullmq'), 'createRedisBackend'>;
  /** Settles when the call is over; its job counts as done even if this rejects. @param isOffer it comes from no queue. */
  take(callId: string, isOffer: boolean): Promise<void>;
}

/** A job of which nothing but its id is needed to finish it. */
const finished = (id: string) => ({ id, name: 'call', data: null, opts: { attempts: 1 } }) as never;

const stallCheckMs = (leaseMs: number): number => Math.max(500, Math.round(leaseMs / 3));

const WAIT_SECONDS = 5;
const RETRY_MS = 500;
const MOST_AT_ONCE = 16;

export class LaneQueue {
  /** When it got something last, or there was nothing to get, by `performance.now()`. */
  fetchedAt = performance.now();
  readonly #options: LaneOptions;
  /** In hand: the tokens of their locks, by the ids of their jobs. */
  readonly #jobs = new Map<string, { readonly token: string; lockedAt: number }>();
  readonly #changed = new DrainGate();
  readonly #timers: NodeJS.Timeout[];
  #backend: RedisQueueBackend;
  #fetching: Promise<void> = Promise.resolve();
  #tokens = 0;
  /** Calls in hand that were offered. */
  #offered = 0;
  /** Nothing waits in the queue. */
  #isIdle = false;
  #isStopped = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#backend = this.#open();
    const { leaseMs } = options;
    this.#timers = [
      every(leaseMs / 4, () => this.#renewLocks()),
      every(stallCheckMs(leaseMs), () => this.#giveBackStalled()),
    ];
  }

  get name(): string {
    return this.#options.name;
  }

  /** Calls in hand that came from the queue. */
  get taken(): number {
    return this.#jobs.size;
  }

  get room(): number {
    return this.#options.capacity - this.#jobs.size - this.#offered;
  }

  /** Takes a call that was offered, where there is room and none in the queue that came first. @returns whether it does. */
  accept(callId: string): boolean {
    if (!this.#isIdle || this.#isStopped || this.room <= 0) return false;
    this.#offered++;
    this.#options
      .take(callId, true)
      .catch(() => undefined) // its gateway gives it again
      .finally(() => {
        this.#offered--;
        this.#changed.open();
      });
    return true;
  }

  #open(): RedisQueueBackend {
    const { name, prefix, connection, leaseMs, bullmq } = this.#options;
    const options = {
      connection,
      prefix,
      skipVersionCheck: true,
      lockDuration: leaseMs,
      stalledInterval: stallCheckMs(leaseMs),
      maxStalledCount: 100,
    };
    const backend = bullmq.createRedisBackend(name, options, { withBlockingConnection: true });
    backend.on('error', () => undefined); // told by the connection; what is lost is looked after by the gateways
    this.#fetching = this.#fetch(backend);
    return backend;
  }

  async #fetch(backend: RedisQueueBackend): Promise<void> {
    const isOver = () => this.#isStopped || this.#backend !== backend;
    await Promise.resolve(); // until it is known as the one
    // How many are asked for at a time, in one write: one more than came, while all came.
    let wanted = 1;
    let mustWait = false;
    let isAlone = false;
    while (!isOver()) {
      if (this.room <= 0) {
        await this.#changed.opened();
        continue;
      }
      try {
        this.#isIdle = mustWait;
        if (mustWait) await backend.waitForJob(WAIT_SECONDS);
        this.#isIdle = false;
        if (isOver()) return;
        if (this.room <= 0) {
          // Offers have taken it meanwhile: the word that there is something is for another host.
          mustWait = false;
          await this.#options.connection.zadd(backend.keys.marker as string, 0, '0');
          continue;
        }
        const asked = Math.min(wanted, this.room, MOST_AT_ONCE);
        const answers = await Promise.all(Array.from({ length: asked }, () => this.#ask(backend)));
        const got = answers.filter((isJob) => isJob).length;
        // One that was waited for: BullMQ will say that there may be more, as it does after each.
        isAlone = mustWait && got === 1 && !isAlone;
        mustWait = got < asked || isAlone;
        wanted = mustWait ? Math.max(1, got) : got + 1;
      } catch {
        this.#isIdle = false;
        mustWait = false;
        if (isOver()) return;
        await backend.reconnectBlocking().catch(() => undefined); // where it does not by itself
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** @returns whether there was a job. */
  async #ask(backend: RedisQueueBackend): Promise<boolean> {
    const token = this.#newToken();
    const [job, id] = await backend.moveToActive(token);
    if (job) void this.#work(backend, id, job.data, token);
    return Boolean(job);
  }

  #newToken(): string {
    return `${this.#options.nodeId}:${++this.#tokens}`;
  }

  async #work(backend: RedisQueueBackend, id: string, data: string, token: string): Promise<void> {
    this.fetchedAt = performance.now();
    this.#jobs.set(id, { token, lockedAt: performance.now() });
    try {
      const { c: callId } = JSON.parse(data) as { readonly c: string };
      await this.#options.take(callId, false);
    } catch {
      // Its gateway gives it again.
    }
    // The one that fetches waits for room: the next is had with the same words.
    const wantsNext = this.room === 0 && !this.#isStopped;
    if (!wantsNext) this.#forget(id);
    try {
      const { result } = await backend.moveToCompleted(finished(id), null, true, token, wantsNext);
      if (wantsNext && result?.[0]) void this.#work(backend, result[1], result[0].data, token);
    } catch {
      // It is delivered again once its lock has lapsed, and found to be over.
    }
    if (wantsNext) this.#forget(id);
  }

  #forget(id: string): void {
    this.#jobs.delete(id);
    this.#changed.open();
  }

  #renewLocks(): Promise<unknown> {
    const { leaseMs } = this.#options;
    const now = performance.now();
    const due = [...this.#jobs].filter(([, { lockedAt }]) => now - lockedAt > leaseMs / 4);
    if (due.length === 0) return Promise.resolve();
    for (const [, job] of due) job.lockedAt = now;
    const tokens = due.map(([, { token }]) => token);
    return this.#backend.extendLocks(
      due.map(([id]) => id),
      tokens,
      leaseMs,
    );
  }

  #giveBackStalled(): Promise<unknown> {
    return this.#isStopped ? Promise.resolve() : this.#backend.moveStalledJobsToWait();
  }

  /** Fetches by another connection: the one before does not. */
  renew(): void {
    const before = this.#backend;
    this.#backend = this.#open();
    this.fetchedAt = performance.now();
    void before.close(true).catch(() => undefined);
  }

  /** Takes nothing more; settles when nothing is in hand. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#changed.open();
    void this.#backend.disconnectBlocking(false).catch(() => undefined);
    await this.#fetching; // what was asked for may still come
    while (this.#jobs.size + this.#offered > 0) await this.#changed.opened();
  }

  async close(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#backend.close(true).catch(() => undefined);
  }
}

/** Again and again, and not while it is under way: Redis may be away. */
function every(ms: number, work: () => Promise<unknown>): NodeJS.Timeout {
  let isUnderWay = false;
  return setInterval(() => {
    if (isUnderWay) return;
    isUnderWay = true;
    work()
      .catch(() => undefined) // the next one does it
      .finally(() => {
        isUnderWay = false;
      });
  }, ms);
}
