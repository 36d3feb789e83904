/**
 * Runs calls on the hosts of a fleet. Implements Runner.
 *
 * R1. A call is opened in Redis, offered to a host or given to a queue, and read from its stream; every promise rests on
 *     the scripts, and a message or queue that delivers a call twice, or forgets it, does no harm.
 * R2. What is not heard of for a while is looked at: entries that were missed are fetched, a call that still waits is
 *     given again, one whose host is gone is given to another, which decides what becomes of it.
 * R3. While Redis cannot be reached calls are refused at once.
 * R4. A call that was refused for want of an answer has not run, unless it may run twice anyway: only that is
 *     offered, or given to a queue, before it is known to be open.
 * R5. A gateway that goes sends its readers to others, whoever comes to it meanwhile too; where there is no other it
 *     waits for what they read.
 * Length: it looks after a call in each of its states; parted, nobody would see which follows which.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DurationHistogram } from '../../async/duration-histogram.ts';
import { GuardedList } from '../../async/guarded-list.ts';
import { TransitMap } from '../../async/transit-map.ts';
import type { Catalog } from '../../call/catalog.ts';
import type { CancelReason, RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type {
  AdmittedCall,
  Runner,
  RunnerListener,
  RunnerStats,
  RunnerStatus,
} from '../../runners/runner.ts';
import { errorHead } from '../events.ts';
import type { Member, Members } from '../members.ts';
import type { FleetRedis } from '../redis/fleet-redis.ts';
import { END_ID } from '../redis/scripts.ts';
import { Routes } from '../routes.ts';
import { CallLists } from './call-lists.ts';
import { DirectOffers } from './direct-offers.ts';
import { type DispatchQueues, queueName } from './dispatch-queue.ts';
import { FleetCall, type FleetCallHost } from './fleet-call.ts';
import type { SharedRates } from './shared-rates.ts';
import { entryOf, type StreamEntry, streamEntry } from './stream-entry.ts';

export interface RedisRunnerOptions {
  readonly nodeId: string;
  readonly leaseMs: number;
  readonly queueLimit: number;
  readonly queueWaitMs: number;
  readonly resumeTtlMs: number;
  readonly resumeBytes: number;
  readonly requestTimeoutMs: number;
}

/** What is left of the stream of a call. */
export interface KeptStream {
  readonly entries: readonly StreamEntry[];
  /** What the run had written before the first of them, in bytes. */
  readonly readBefore: number;
}

/** What Redis has of a call, by the fields of its hash. */
export interface CallRecord {
  readonly callId: string;
  readonly st: string | null;
  readonly gateway: string | null;
  readonly host: string | null;
  readonly epoch: string | null;
  /** The name of its queue. */
  readonly group: string | null;
}

const HOOKS = ['log', 'notice', 'catalogChanged', 'reloadWanted', 'unit', 'defect'] as const;
const WATCH_MS = 1000;
const SILENCE_MS = 3000;
/** So long after an offer that nothing was heard of it is looked at, once. */
const OFFER_MS = 1000;
/** How long what Redis says ended a call is waited for. */
const END_PATIENCE_MS = 50;
/** How long Redis may take, when the gateway goes, to hear what has ended. */
const LAST_WORDS_MS = 200;
const FETCHED_AT_ONCE = 16;
/** A host that seems gone has so long to tell, once Redis is back. */
const RETURN_MS = 5000;

export class RedisRunner implements Runner, FleetCallHost {
  readonly name = 'redis';
  readonly #options: RedisRunnerOptions;
  readonly #redis: FleetRedis;
  readonly #members: Members;
  readonly #routes: Routes;
  readonly #queues: DispatchQueues;
  readonly #rates: SharedRates;
  readonly #lists: CallLists;
  readonly #offers: DirectOffers;
  readonly #calls = new TransitMap<string, FleetCall>();
  /** Ends that Redis has not been told of. */
  readonly #untold = new Map<
    string,
    { readonly head: string; readonly status: string; readonly reason: string }
  >();
  readonly #listeners: GuardedList<RunnerListener>;
  readonly #waits = new DurationHistogram();
  readonly #runs = new DurationHistogram();
  readonly #watch: NodeJS.Timeout;
  #isClosed = false;
  /** R5 */
  #isLeaving = false;
  #resyncs = 0;
  #redispatches = 0;
  /** Told that another gateway has taken a call over, or is to. */
  onMoved: (callId: string, isAway: boolean) => void = () => undefined;

  constructor(
    options: RedisRunnerOptions,
    parts: {
      readonly redis: FleetRedis;
      readonly members: Members;
      readonly queues: DispatchQueues;
      readonly rates: SharedRates;
    },
  ) {
    this.#options = options;
    this.#redis = parts.redis;
    this.#members = parts.members;
    this.#queues = parts.queues;
    this.#rates = parts.rates;
    const { requestTimeoutMs, resumeTtlMs } = options;
    this.#lists = new CallLists(parts.redis, requestTimeoutMs + resumeTtlMs + 60_000);
    this.#routes = new Routes(parts.members, options.leaseMs);
    this.#offers = new DirectOffers(options.leaseMs);
    this.#listeners = new GuardedList(HOOKS, (hook, error) => {
      if (hook !== 'defect')
        this.#listeners.tell('defect', { during: `a listener of "${hook}"`, error, callId: null });
    });
    this.#watch = setInterval(() => this.#look(), WATCH_MS);
  }

  async open(): Promise<void> {
    const { gatewayChannels, noticeChannel } = this.#redis.keys;
    await this.#redis.subscribe(gatewayChannels + this.#options.nodeId, (message) => this.#hear(message));
    await this.#redis.subscribe(noticeChannel, (message) =>
      this.#listeners.tell('notice', JSON.parse(message) as never),
    );
    this.#redis.onReady(() => this.#resync());
    this.#members.onChange(() => this.#onMembers());
    this.#onMembers();
  }

  get catalog(): Catalog {
    return this.#routes.catalog;
  }

  /** Why nothing is known of what there is. */
  get catalogTrouble(): ToolError | undefined {
    if (this.#routes.isKnown) return undefined;
    if (!this.#redis.isReady) return this.#redis.refusal();
    return new ToolError('unavailable', 'no worker host has told its tools yet; try again shortly', {
      retryAfterMs: 1000,
    });
  }

  get callsInFlight(): number {
    return this.#calls.size;
  }

  listen(listener: RunnerListener): () => void {
    return this.#listeners.add(listener);
  }

  call(request: AdmittedCall): RunningCall {
    const call = this.#make(request);
    if (this.#isClosed) {
      call.fail(new ToolError('unavailable', 'the gateway is shutting down'));
      return call;
    }
    const refusal = this.#route(call);
    if (refusal) call.fail(refusal);
    else {
      this.#calls.set(call.callId, call);
      void this.#dispatch(call);
    }
    return call;
  }

  #make(request: AdmittedCall, ageMs = 0): FleetCall {
    return new FleetCall(request, this, {
      keepBytes: request.keep === undefined ? 0 : this.#options.resumeBytes,
      ageMs,
    });
  }

  /** A call that another gateway made, read from its beginning, or from what is left of it. */
  adopt(request: AdmittedCall, ageMs: number, group: string, { entries, readBefore }: KeptStream): FleetCall {
    const call = this.#make(request, ageMs);
    call.group = group;
    call.isDispatched = true;
    call.isAdopted = true;
    this.#calls.set(call.callId, call);
    if (entries[0]) call.beginAt(entries[0], readBefore);
    call.fetched(entries, false);
    call.missed(); // what came meanwhile
    if (this.#isLeaving) setImmediate(() => this.sendAway()); // once its reader is there
    return call;
  }

  /**
   * Sends readers to other gateways who know how to come back, from now on (R5); their calls go on.
   * @returns whether there are others.
   */
  sendAway(): boolean {
    this.#isLeaving = true;
    const isAlone = !this.#members.all.some(
      ({ id, role, isDraining }) => id !== this.#options.nodeId && role !== 'worker' && !isDraining,
    );
    if (isAlone || !this.#redis.isReady) return false;
    for (const call of this.#calls.values()) {
      const comesBack = call.isAdopted || call.request.keep?.comesBack === true;
      // One that waits for a host has its QUEUE_WAIT here, and nothing yet by which its reader could come back.
      if (!comesBack || !call.hasBegun) continue;
      this.#calls.delete(call.callId);
      this.onMoved(call.callId, true);
      call.leave(new ToolError('unavailable', 'the gateway is going; the call goes on at another'), true);
    }
    return true;
  }

  /** Waits for what it reads; what has not ended after `timeoutMs` ends `unavailable`. */
  async drain(timeoutMs: number): Promise<void> {
    await this.#emptied(timeoutMs);
    for (const call of this.#calls.values()) call.cancel('unavailable', 'the gateway is shutting down');
    await this.#emptied(LAST_WORDS_MS);
  }

  async #emptied(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.#calls.size > 0 && performance.now() < deadline) await sleep(5);
  }

  /** How long the fleet keeps a call after its end, in milliseconds. */
  get keepMs(): number {
    return this.#options.resumeTtlMs;
  }

  /** Finds the call's group. @returns why it cannot be run. */
  #route(call: FleetCall): ToolError | undefined {
    if (!this.#redis.isReady) return this.#redis.refusal();
    const { kind = 'tool', name, arguments: args } = call.request;
    const target = this.#routes.choose(kind, name, args, (group, lane) =>
      this.#queues.depth(queueName(group, lane)),
    );
    if (!target) {
      const reason = `no worker host that has ${JSON.stringify(name)} is there; try again shortly`;
      return new ToolError('unavailable', reason, { retryAfterMs: 1000 });
    }
    call.group = queueName(target.group, target.lane);
    const depth = this.#queues.depth(call.group);
    // O1. What waits came first. Of a Cluster, a message may be heard on another server, which nobody counts.
    if (depth === 0 && !this.#redis.isCluster && !call.isDispatched)
      call.offered ??= this.#offers.take(target.hosts);
    if (depth <= this.#options.queueLimit) return undefined;
    const reason = `the queue is full (${this.#options.queueLimit} calls wait, QUEUE_LIMIT); try again later`;
    return new ToolError('overloaded', reason, { retryAfterMs: 1000 });
  }

  async #dispatch(call: FleetCall): Promise<void> {
    const { limits = [] } = call.request;
    try {
      const refusal = limits.length > 0 ? await this.#rates.take(limits) : undefined;
      if (call.isEnded) return;
      if (refusal) return call.fail(refusal);
    } catch (error) {
      return this.#onDispatchFailure(call, error);
    }
    const isRepeatable = this.#isRepeatable(call.request);
    const opening = this.#open(call, isRepeatable);
    // R4. Of a Cluster, the queue may be on another server, and be faster.
    if ((!isRepeatable || this.#redis.isCluster) && !(await opening)) return;
    if (call.isEnded) return;
    call.isDispatched = true;
    try {
      if (!(await this.#offer(call)) && !call.isEnded) await this.#queues.add(call.group, call.callId);
    } catch (error) {
      // It may be in the queue all the same: it is given again when nothing is heard of it.
      if (isOutOfMemory(error)) this.#onDispatchFailure(call, error);
    }
  }

  /** Where a host has room, that is asked. @returns false where a queue must have the call. */
  async #offer(call: FleetCall): Promise<boolean> {
    if (!call.offered) return false;
    const { commands, keys } = this.#redis;
    call.isOffer = true;
    const channel = keys.hostChannels + call.offered.hostId;
    const listeners = await commands.publish(channel, `o\n${call.callId}\n\n${call.group}`);
    if (listeners > 0) return true;
    this.#withdraw(call);
    return false;
  }

  /** Nothing has come of an offer. */
  #withdraw(call: FleetCall): void {
    call.isOffer = false;
    if (call.offered) this.#offers.doubt(call.offered);
    this.#giveBackPlace(call);
  }

  #giveBackPlace(call: FleetCall): void {
    if (call.offered) this.#offers.give(call.offered);
    call.offered = undefined;
  }

  /** @returns false where it is not open; its caller has been told then. */
  async #open(call: FleetCall, isRepeatable: boolean): Promise<boolean> {
    const { commands, keys } = this.#redis;
    const { callId, request } = call;
    const { keep, caller, kind = 'tool', name, madeAt, streams, repeatBytes, abilities, logLevel } = request;
    const { claimedUntil = 0 } = request;
    try {
      const opening = commands.fleetOpen(
        keys.call(callId),
        keys.events(callId),
        caller.keyId,
        this.#options.nodeId,
        Math.ceil(Math.min(request.timeoutMs ?? Number.POSITIVE_INFINITY, this.#limitMs(request))),
        JSON.stringify(taskOf(request)),
        JSON.stringify({ kind, name, caller, madeAt, keep, streams, repeatBytes, abilities, logLevel }),
        keep === undefined ? 0 : 1,
        keep?.detachMs ?? 0,
        isRepeatable ? 1 : 0,
        this.#options.resumeTtlMs + 60_000,
        claimedUntil,
        call.group,
      );
      this.#lists.look(call);
      if ((await opening) === 1) return true;
      call.fail(new ToolError('unavailable', 'the call could not be opened; try again'));
    } catch (error) {
      this.#onDispatchFailure(call, error);
    }
    return false;
  }

  #limitMs({ name, kind = 'tool' }: AdmittedCall): number {
    const own =
      kind === 'tool' ? this.catalog.tools.find((tool) => tool.name === name)?.timeoutMs : undefined;
    return Math.min(own ?? Number.POSITIVE_INFINITY, this.#options.requestTimeoutMs);
  }

  #isRepeatable({ kind = 'tool', name }: AdmittedCall): boolean {
    if (kind !== 'tool') return true;
    const annotations = this.catalog.tools.find((tool) => tool.name === name)?.annotations;
    return annotations?.idempotentHint === true || annotations?.readOnlyHint === true;
  }

  /** No queue has it. Whether Redis has it is not known: what may have been opened is ended there as soon as possible. */
  #onDispatchFailure(call: FleetCall, thrown: unknown): void {
    const error = isOutOfMemory(thrown)
      ? new ToolError('overloaded', 'the queue of the fleet is full; try again later', { retryAfterMs: 1000 })
      : new ToolError('unavailable', 'the queue of the fleet does not answer; try again shortly', {
          retryAfterMs: 1000,
          cause: thrown,
        });
    if (call.isEnded) return;
    this.#settle(call, error, 'unavailable');
    call.fail(error);
  }

  cancelled(call: FleetCall, error: ToolError, reason: CancelReason): void {
    const mayHaveRun = call.isDispatched || call.hasBegun;
    const timer = setTimeout(() => call.fail(error, mayHaveRun), END_PATIENCE_MS);
    void this.#finish(call, error, reason).then((code) => {
      clearTimeout(timer);
      // Ended before: what ended it is on its way, unless it was lost.
      if (code === 0) setTimeout(() => (call.isEnded ? undefined : this.behind(call)), END_PATIENCE_MS);
      else call.fail(error, code === 2 || (code !== 1 && mayHaveRun));
    });
  }

  /** @returns as the script says; null where Redis does not answer, and is told later. */
  async #finish(
    call: FleetCall,
    error: ToolError,
    reason: string,
    onlyQueued = false,
  ): Promise<number | null> {
    const { callId } = call;
    const head = errorHead(error, call.chunks, call.durationMs);
    const status =
      error.code === 'cancelled' ? 'cancelled' : error.code === 'deadline_exceeded' ? 'timeout' : 'error';
    if (!call.hasBegun) this.#queues.remove(call.group, callId).catch(() => undefined);
    if (!this.#redis.isReady) {
      if (!onlyQueued) this.#untold.set(callId, { head, status, reason });
      return null;
    }
    try {
      return (await this.#tellEnd(callId, { head, status, reason }, onlyQueued)) as number;
    } catch {
      if (!onlyQueued) this.#untold.set(callId, { head, status, reason });
      return null;
    }
  }

  #settle(call: FleetCall, error: ToolError, reason: string): void {
    void this.#finish(call, error, reason);
  }

  #tellEnd(
    callId: string,
    { head, status, reason }: { readonly head: string; readonly status: string; readonly reason: string },
    onlyQueued = false,
  ): Promise<unknown> {
    const { commands, keys } = this.#redis;
    return commands.fleetFinish(
      keys.call(callId),
      keys.events(callId),
      '',
      onlyQueued ? 1 : 0,
      head,
      status,
      reason,
      this.#options.resumeTtlMs,
      keys.gatewayChannels,
      keys.hostChannels,
      callId,
      this.#options.nodeId,
    );
  }

  answer(call: FleetCall, ask: number, outcome: Parameters<RunningCall['answer']>[1]): void {
    const { commands, keys } = this.#redis;
    const reply = 'error' in outcome ? { error: ToolError.toWire(outcome.error) } : { value: outcome.value };
    const args = [
      keys.call(call.callId),
      ask,
      JSON.stringify(reply),
      keys.hostChannels,
      call.callId,
      '',
    ] as const;
    commands.fleetAnswer(...args).catch(() => undefined);
  }

  credit(call: FleetCall, epoch: number, bytes: number, keepFrom: string): void {
    const { commands, keys } = this.#redis;
    commands
      .fleetCredit(
        keys.call(call.callId),
        keys.events(call.callId),
        epoch,
        bytes,
        keepFrom,
        keys.hostChannels,
        call.callId,
      )
      .catch(() => undefined);
  }

  waited(ms: number): void {
    this.#waits.record(ms);
  }

  behind(call: FleetCall): void {
    if (call.isFetching || !this.#redis.isReady) return;
    call.isFetching = true;
    this.#resyncs++;
    void this.#fetch(call).finally(() => {
      call.isFetching = false;
      if (call.wantsMore) setImmediate(() => this.behind(call));
    });
  }

  async #fetch(call: FleetCall): Promise<void> {
    const { commands, keys } = this.#redis;
    try {
      const rows = await commands.xrange(
        keys.events(call.callId),
        `(${call.cursor}`,
        '+',
        'COUNT',
        FETCHED_AT_ONCE,
      );
      call.fetched(
        rows.map(([id, fields]) => entryOf(id, fields)),
        rows.length < FETCHED_AT_ONCE,
      );
    } catch {
      call.missed();
    }
  }

  ended(call: FleetCall): void {
    this.#giveBackPlace(call);
    if (this.#calls.get(call.callId) !== call) return;
    this.#calls.delete(call.callId);
    if (call.hasStarted) this.#runs.record(call.durationMs);
  }

  defect(error: unknown, callId: string): void {
    this.#listeners.tell('defect', { during: 'an event of a call on the fleet', error, callId });
  }

  #hear(message: string): void {
    const [callId = '', id = '', kind, before = '', head = ''] = message.split('\n', 5);
    const call = this.#calls.get(callId);
    if (id === '~') return this.moved(callId);
    if (!call) return;
    if (kind === undefined) return call.missed();
    const at = callId.length + id.length + kind.length + before.length + head.length + 5;
    call.hear(streamEntry(id, kind, before, head, message.slice(at)));
    if (id === END_ID && call.request.keep === undefined && call.isEnded) this.#forget(call);
  }

  /** Another gateway reads the call now. */
  moved(callId: string): void {
    const call = this.#calls.get(callId);
    this.#calls.delete(callId);
    this.onMoved(callId, false);
    call?.leave(new ToolError('conflict', 'another gateway has taken the call over'), false);
  }

  overtaken(call: FleetCall): void {
    this.moved(call.callId);
  }

  /** Nobody comes back for what is not kept. */
  #forget(call: FleetCall): void {
    const { commands, keys } = this.#redis;
    commands.unlink(keys.call(call.callId), keys.events(call.callId)).catch(() => undefined);
    this.#lists.remove(call);
  }

  #onMembers(): void {
    if (this.#routes.update()) this.#listeners.tell('catalogChanged', this.catalog);
  }

  /** Messages may have been missed. */
  #resync(): void {
    for (const [callId, end] of this.#untold) {
      this.#untold.delete(callId);
      this.#tellEnd(callId, end).catch(() => this.#untold.set(callId, end));
    }
    this.#calls.each((call) => call.missed());
  }

  #look(): void {
    this.#onMembers();
    if (this.#redis.isReady && this.#untold.size > 0) this.#resync();
    if (this.#isLeaving) this.sendAway(); // others may have come, and calls have begun
    const now = performance.now();
    this.#calls.each((call) => {
      if (!call.hasBegun && now - call.createdAt > this.#options.queueWaitMs) return this.#giveUp(call);
      if (this.#redis.isReady) this.#lists.look(call);
      if (now - call.heardAt < (call.isOffer && !call.hasBegun ? OFFER_MS : SILENCE_MS)) return;
      call.heardAt = now;
      void this.#lookAfter(call);
    });
  }

  /** It has waited long enough. */
  #giveUp(call: FleetCall): void {
    const seconds = this.#options.queueWaitMs / 1000;
    const hasHost = this.#route(call) === undefined || this.#queues.depth(call.group) > 0;
    const error = hasHost
      ? new ToolError('overloaded', `no host was free within ${seconds} s (QUEUE_WAIT); try again later`, {
          retryAfterMs: 1000,
        })
      : new ToolError('unavailable', `no worker host took the call within ${seconds} s (QUEUE_WAIT)`, {
          retryAfterMs: 1000,
        });
    void this.#finish(call, error, 'unavailable', true).then((code) => {
      if (code === 1) call.fail(error);
      else if (code !== null) this.behind(call);
    });
  }

  /** It has been silent: what was missed is fetched, and where nobody has it, it is given again. */
  async #lookAfter(call: FleetCall): Promise<void> {
    if (!this.#redis.isReady) return;
    call.missed();
    const { commands, keys } = this.#redis;
    try {
      const [st, host, epoch, beat] = await commands.hmget(keys.call(call.callId), 'st', 'h', 'ep', 'hb');
      if (call.isEnded) return;
      if (st === null) {
        // Lost with a Redis that came back without its last moments, or forgotten.
        if (call.isFetching) return;
        const error = new ToolError('worker_crashed', 'what is known of the call was lost with its Redis', {
          retryable: this.#isRepeatable(call.request),
        });
        return call.fail(error);
      }
      if (call.isOffer && st === 'q') {
        // A host that has no room has given it to the queue.
        if (await this.#queues.holds(call.group, call.callId)) this.#giveBackPlace(call);
        else this.#withdraw(call);
      }
      call.isOffer = false;
      if (st === 'q') {
        if (this.#route(call) === undefined) await this.#queues.add(call.group, call.callId);
        return;
      }
      // A host that is there may have lost the run.
      const isLost = typeof beat === 'string' && call.sinceBeat(beat) > this.#options.leaseMs;
      if (st === 'r' && host && (isLost || this.#isGone(host))) {
        this.#redispatches++;
        if (this.#route(call) === undefined)
          await this.#queues.add(call.group, call.callId, `${call.callId}.${epoch}`);
      }
    } catch {
      // Redis has gone; the next look finds out.
    }
  }

  /** Somebody asks for a call that nobody here reads: where nobody else looks after it either, it is given again. */
  lookInto({ callId, st, gateway, host, epoch, group }: CallRecord): void {
    const keeper = st === 'q' ? gateway : st === 'r' ? host : null;
    if (!group || !keeper || this.#calls.get(callId) || !this.#isGone(keeper)) return;
    const jobId = st === 'q' ? callId : `${callId}.${epoch}`;
    this.#queues.add(group, callId, jobId).catch(() => undefined); // whoever asks next does it
  }

  /** Whether a member has said nothing for its lease, though it could have. */
  #isGone(id: string): boolean {
    return this.#members.isKnown && this.#redis.readyMs > RETURN_MS && this.#members.get(id) === undefined;
  }

  health(): RunnerStatus {
    return this.#redis.isReady && this.#hosts().length > 0 ? 'ok' : 'degraded';
  }

  #hosts(): readonly Member[] {
    return this.#members.all.filter(({ host, isDraining }) => host !== undefined && !isDraining);
  }

  stats(): RunnerStats {
    const hosts = this.#hosts();
    const groups: Record<string, number> = {};
    let capacity = 0;
    let busy = 0;
    for (const { host } of hosts) {
      for (const group of host?.groups ?? []) groups[group] = (groups[group] ?? 0) + 1;
      capacity += host?.capacity.x ?? 0;
      busy += host?.busy ?? 0;
    }
    const isRedisUp = this.#redis.isReady;
    const sum = (of: (host: NonNullable<Member['host']>) => number) =>
      this.#members.all.reduce((total, { host }) => total + (host ? of(host) : 0), 0);
    const cluster = {
      redis: this.#redis.isReady ? 'ok' : this.#redis.trouble,
      nodes: this.#members.all.map(({ id, role, version, since, isDraining, host, calls }) => ({
        id,
        role,
        version,
        uptimeSeconds: Math.max(0, Math.round((Date.now() - since) / 1000)),
        ...(isDraining ? { isDraining } : {}),
        ...(calls === undefined ? {} : { calls }),
        ...(host ? { groups: host.groups, capacity: host.capacity, busy: host.busy } : {}),
      })),
      hosts: hosts.length,
      capacity,
      busy,
      depth: this.#queues.totalDepth,
      oldestMs: this.#queues.oldestMs,
      takeovers: sum(({ takeovers }) => takeovers),
      fencedWrites: sum(({ fenced }) => fenced),
      refills: sum(({ refills }) => refills),
      recreatedWorkers: sum(({ recreated }) => recreated),
      resyncs: this.#resyncs,
      redispatches: this.#redispatches,
    };
    const { takeovers, fencedWrites, refills, recreatedWorkers, oldestMs } = cluster;
    const gateways = this.#members.all.filter(({ role }) => role !== 'worker').length;
    const resyncs = this.#resyncs;
    return {
      status: this.health(),
      fleet: {
        isRedisUp,
        hosts: groups,
        gateways,
        capacity,
        busy,
        oldestMs,
        takeovers,
        fencedWrites,
        refills,
        resyncs,
        recreatedWorkers,
      },
      callsInFlight: this.#calls.size,
      queue: { depth: this.#queues.totalDepth, limit: this.#options.queueLimit },
      waitMs: this.#waits.percentiles(),
      waits: this.#waits.sinceStart(),
      runMs: this.#runs.percentiles(),
      own: {
        summary: { redis: this.#redis.isReady ? 'ok' : 'down', hosts: groups },
        details: { cluster },
      },
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#watch);
    await this.drain(0);
  }
}

const isOutOfMemory = (error: unknown): boolean => error instanceof Error && /\bOOM\b/.test(error.message);

/** What a host gets of a call. */
const taskOf = (request: AdmittedCall) => ({
  kind: request.kind ?? 'tool',
  name: request.name,
  arguments: request.arguments,
  caller: request.caller,
  streams: request.streams,
  repeatBytes: request.repeatBytes,
  abilities: request.abilities,
  logLevel: request.logLevel,
  requestMeta: request.requestMeta,
});
