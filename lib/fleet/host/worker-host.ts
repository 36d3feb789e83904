/**
 * A host of a fleet: takes calls from the queues of its groups and runs them on its runners.
 *
 * H1. A call runs here only where `begin` says so; the queue may deliver it twice, late, or to two hosts. What another
 *     host runs is offered again when that host's lease of it is over.
 * H2. It takes as many at a time as its runners have places for, and hands nothing to the dead: once it drains it takes
 *     none.
 * H3. A queue from which nothing is fetched while calls wait and there is room is opened anew, and that is counted.
 * H4. A call whose reader's gateway is gone is ended after a while, unless somebody comes back for it.
 * H5. When Redis is back, what it had taken of calls that run or have just ended is asked for: it may have lost it.
 * H6. A call that a gateway offers is taken where there is room and none came first, and else given to the queue.
 */
import type { Queue } from 'bullmq';
import type { CallRequest, CancelReason } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall, Runner } from '../../runners/runner.ts';
import { errorHead } from '../events.ts';
import type { HostState, Lane, Members } from '../members.ts';
import type { FleetRedis, RedisLog } from '../redis/fleet-redis.ts';
import { HostedRun } from './hosted-run.ts';
import { LaneQueue } from './lane-queue.ts';
import type { StreamWriter } from './stream-writer.ts';

export interface HostOptions {
  readonly nodeId: string;
  readonly groups: readonly string[];
  readonly capacity: Readonly<Record<Lane, number>>;
  readonly leaseMs: number;
  readonly orphanGraceMs: number;
  readonly maxStarts: number;
  readonly resumeTtlMs: number;
  /** The name of a queue. */
  queueName(group: string, lane: Lane): string;
  /** Who runs what is named so; undefined: nobody here. */
  owner(request: AdmittedCall): Runner | undefined;
  readonly log: RedisLog;
}

/** What is to be run, as its gateway wrote it. */
type Task = Omit<CallRequest, 'callId' | 'keep'>;

/** What `begin` says of a run. */
interface Beginning {
  readonly epoch: number;
  /** When it was begun, by Redis. */
  readonly begun: number;
  /** How long it goes on without a reader, in milliseconds. */
  readonly detachMs: number;
  readonly waitedMs: number;
  readonly leftMs: number;
}

const LOOK_MS = 1000;
/** How long a call for which nothing is here waits before it is offered again. */
const BOUNCE_MS = 200;
/** Of calls that have just ended so many are remembered (H5), with so much text. */
const MOST_RECENT = 500;
const MOST_RECENT_BYTES = 16 * 1024 * 1024;
const LANES: readonly Lane[] = ['x', 's'];
/** Calls wait so long, with room for them, before something is taken to be wrong. */
const FETCH_PATIENCE_MS = 10_000;
const wire = (error: ToolError): string => JSON.stringify(ToolError.toWire(error));
const LOST = 'the host of the call was lost in the middle of it';
const CRASHED = wire(new ToolError('worker_crashed', LOST));
const CRASHED_REPEATABLE = wire(new ToolError('worker_crashed', LOST, { retryable: true }));
const LATE = wire(new ToolError('deadline_exceeded', 'the call did not begin before its deadline'));
/** Makes the names of jobs differ. */
let nextOffer = 0;

export class WorkerHost {
  readonly counts = { takeovers: 0, fenced: 0, refills: 0, recreated: 0 };
  readonly #options: HostOptions;
  readonly #redis: FleetRedis;
  readonly #members: Members;
  readonly #bullmq: typeof import('bullmq');
  readonly #runs = new Map<string, HostedRun>();
  /** Calls that are being begun, or run. */
  readonly #inHand = new Set<string>();
  readonly #lanes: LaneQueue[] = [];
  readonly #recent: StreamWriter[] = [];
  #recentBytes = 0;
  readonly #queues = new Map<string, Queue>();
  #look: NodeJS.Timeout | undefined;
  #isDraining = false;

  constructor(
    options: HostOptions,
    parts: {
      readonly redis: FleetRedis;
      readonly members: Members;
      readonly bullmq: typeof import('bullmq');
    },
  ) {
    this.#options = options;
    this.#redis = parts.redis;
    this.#members = parts.members;
    this.#bullmq = parts.bullmq;
  }

  async open(): Promise<void> {
    const { keys } = this.#redis;
    await this.#redis.subscribe(keys.hostChannels + this.#options.nodeId, (message) => this.#hear(message));
    let isOpen = false;
    this.#redis.onReady(() => {
      for (const writer of this.#recent) writer.verify();
      for (const run of this.#runs.values()) {
        run.writer.verify();
        void run.look();
      }
      if (isOpen) return;
      isOpen = true;
      for (const group of this.#options.groups)
        for (const lane of LANES) this.#lanes.push(this.#lane(group, lane));
    });
    this.#look = setInterval(() => void this.#watch(), this.#lookMs);
  }

  /** Several times in a lease. */
  get #lookMs(): number {
    return Math.min(LOOK_MS, this.#options.leaseMs / 4);
  }

  get busy(): number {
    return this.#runs.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  get state(): Omit<HostState, 'catalog' | 'frames' | 'journeys'> {
    const { groups, capacity } = this.#options;
    return { groups, capacity, busy: this.busy, ...this.counts };
  }

  #lane(group: string, lane: Lane): LaneQueue {
    const { nodeId, leaseMs, capacity } = this.#options;
    const name = this.#options.queueName(group, lane);
    return new LaneQueue({
      name,
      prefix: this.#redis.keys.queuePrefix,
      nodeId,
      capacity: Math.max(1, capacity[lane]),
      leaseMs,
      connection: this.#redis.commands,
      bullmq: this.#bullmq,
      take: (callId, isOffer) => this.#take(callId, name, isOffer),
    });
  }

  async #take(callId: string, queue: string, isOffer: boolean): Promise<void> {
    // It came twice; begun twice by its host, it would be taken for lost.
    if (this.#inHand.has(callId)) return;
    this.#inHand.add(callId);
    try {
      await this.#beginAndRun(callId, queue, isOffer);
    } finally {
      this.#inHand.delete(callId);
    }
  }

  async #beginAndRun(callId: string, queue: string, isOffer: boolean): Promise<void> {
    const { nodeId, maxStarts, resumeTtlMs, leaseMs } = this.#options;
    const { commands, keys } = this.#redis;
    await this.#redis.settled(); // what was begun elsewhere may have been lost
    const reply = (await commands.fleetBegin(
      keys.call(callId),
      keys.events(callId),
      nodeId,
      maxStarts,
      resumeTtlMs,
      keys.gatewayChannels,
      CRASHED,
      LATE,
      callId,
      CRASHED_REPEATABLE,
      leaseMs,
    )) as readonly [number, number, number, string, string, string, string, number, number, number, number];
    const [code, epoch, , text, , detachMs, , waitedMs, leftMs, , begun] = reply;
    if (code === -8) {
      if (isOffer) return; // a queue had it as well
      const leaseLeftMs = epoch;
      // Should this host go meanwhile, the gateway of the call finds out.
      setTimeout(() => void this.#offerAgain(queue, callId).catch(() => undefined), leaseLeftMs).unref();
      return;
    }
    if (code !== 1) return;
    if (epoch > 1) this.counts.takeovers++;
    const task = JSON.parse(text) as Task;
    const run = await this.#run(callId, task, { epoch, begun, detachMs: Number(detachMs), waitedMs, leftMs });
    if (run?.isForgotten) await this.#offerAgain(queue, callId);
    else if (run && !run.writer.isLost) this.#remember(run.writer);
  }

  /** What a gateway offers is taken, or waits as others do. */
  #hearOffer(callId: string, queue: string): void {
    const lane = this.#lanes.find(({ name }) => name === queue);
    if (!lane?.accept(callId)) void this.#enqueue(queue, callId, callId).catch(() => undefined);
  }

  /** Gives a call to a queue again. */
  #offerAgain(queue: string, callId: string): Promise<void> {
    return this.#enqueue(queue, callId, `${callId}.${nextOffer++}.${this.#options.nodeId}`);
  }

  async #enqueue(queue: string, callId: string, jobId: string): Promise<void> {
    await this.#queue(queue).add('call', { c: callId }, { ...JOB_OPTIONS, jobId: `c${jobId}` });
  }

  #queue(name: string): Queue {
    const known = this.#queues.get(name);
    if (known) return known;
    const { commands: connection, keys } = this.#redis;
    const queue = new this.#bullmq.Queue(name, {
      connection,
      prefix: keys.queuePrefix,
      skipVersionCheck: true,
    });
    queue.on('error', () => undefined); // told by the connection
    this.#queues.set(name, queue);
    return queue;
  }

  #remember(writer: StreamWriter): void {
    this.#recent.push(writer);
    this.#recentBytes += writer.keptBytes;
    while (this.#recent.length > MOST_RECENT || this.#recentBytes > MOST_RECENT_BYTES)
      this.#recentBytes -= this.#recent.shift()?.keptBytes ?? 0;
  }

  async #run(
    callId: string,
    task: Task,
    { epoch, begun, detachMs, waitedMs, leftMs }: Beginning,
  ): Promise<HostedRun | undefined> {
    const request: AdmittedCall = { ...task, callId };
    const owner = this.#options.owner(request);
    if (!owner) {
      await this.#giveBack(callId, epoch, task);
      return undefined;
    }
    const call = owner.call(request);
    const run = new HostedRun({
      call,
      callId,
      epoch,
      run: begun,
      nodeId: this.#options.nodeId,
      redis: this.#redis,
      keepMs: this.#options.resumeTtlMs,
      aloneMs: Math.max(detachMs, this.#options.orphanGraceMs),
      openedAt: performance.now() - waitedMs,
      waitedMs,
      fenced: () => {
        this.counts.fenced++;
      },
      refilled: () => {
        this.counts.refills++;
      },
    });
    this.#runs.set(callId, run);
    // The gateway ends it at its deadline; should that be gone too, it ends here.
    const deadline = setTimeout(
      () => run.end('deadline_exceeded', 'the call did not end before its deadline'),
      leftMs + LOOK_MS,
    );
    try {
      await run.run();
    } finally {
      clearTimeout(deadline);
      this.#runs.delete(callId);
    }
    return run;
  }

  /** Nothing of that name is here: versions differ while a fleet is deployed. Another host of the group may have it. */
  async #giveBack(callId: string, epoch: number, task: Task): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, BOUNCE_MS));
    const { commands, keys } = this.#redis;
    const error = new ToolError(
      'unavailable',
      `the host has no ${task.kind} ${JSON.stringify(task.name)} any more`,
      {
        retryAfterMs: 1000,
      },
    );
    await commands.fleetAppend(
      keys.call(callId),
      keys.events(callId),
      epoch,
      1,
      'e',
      errorHead(error, 0, 0),
      '',
      64,
      0,
      1,
      'error',
      this.#options.resumeTtlMs,
      keys.gatewayChannels,
      0,
      callId,
      '',
      this.#options.nodeId,
    );
  }

  #hear(message: string): void {
    const [what, callId = '', epoch, first = ''] = message.split('\n', 4);
    if (what === 'o') return this.#hearOffer(callId, first);
    const run = this.#runs.get(callId);
    if (!run || String(run.epoch) !== epoch) return;
    if (what === 'x') run.stop(first as CancelReason);
    else if (what === 'c') run.credit(Number(first));
    else if (what === 'a') {
      const at = callId.length + epoch.length + first.length + 5;
      run.answer(Number(first), message.slice(at));
    }
  }

  async #watch(): Promise<void> {
    if (!this.#redis.isReady) return;
    const now = performance.now();
    // Together: where each answer is late, one after the other would take longer than a lease.
    const runs = [...this.#runs.values()].filter(({ startedAt }) => now - startedAt >= this.#lookMs);
    await Promise.all(
      runs.map(async (run) => {
        const gateway = await run.look();
        if (gateway !== null) this.#watchOrphan(run, gateway, now);
      }),
    );
    for (const lane of this.#lanes) await this.#watchLane(lane, now);
  }

  #watchOrphan(run: HostedRun, gateway: string, now: number): void {
    const isThere = !this.#members.isKnown || this.#members.get(gateway) !== undefined;
    if (isThere || this.#redis.readyMs < this.#options.orphanGraceMs) run.gatewaySeenAt = now;
    else if (now - run.gatewaySeenAt > run.aloneMs)
      run.end('cancelled', 'the gateway of the call is gone, and its client did not come back');
  }

  /** H3 */
  async #watchLane(lane: LaneQueue, now: number): Promise<void> {
    if (this.#isDraining || lane.taken > 0) return;
    if (lane.room <= 0) lane.fetchedAt = now;
    const wait = `${this.#redis.keys.queuePrefix}:${lane.name}:wait`;
    const waiting = await this.#redis.commands.llen(wait).catch(() => 0);
    if (waiting === 0) lane.fetchedAt = now;
    if (now - lane.fetchedAt < FETCH_PATIENCE_MS) return;
    this.counts.recreated++;
    this.#options.log(
      'warning',
      `nothing is fetched from ${lane.name} though calls wait; its connection is made anew`,
    );
    lane.renew();
  }

  /** Takes nothing more; settles when nothing runs, or `timeoutMs` is over: what is left then ends `unavailable`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    this.#members.tell();
    const closing = Promise.allSettled(this.#lanes.map((lane) => lane.stop()));
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([closing, over]);
    clearTimeout(timer);
    for (const run of this.#runs.values()) run.end('unavailable', 'the host of the call is shutting down');
  }

  async close(): Promise<void> {
    clearInterval(this.#look);
    await Promise.allSettled(this.#lanes.map((lane) => lane.close()));
    await Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
  }
}

const JOB_OPTIONS = { removeOnComplete: true, removeOnFail: true, attempts: 1 } as const;
