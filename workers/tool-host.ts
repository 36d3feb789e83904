/**
 * Takes the gateway's frames on a thread that has loaded its tools, and runs its calls.
 *
 * H1. A call that changed built-ins under the host's feet ends as it would, and retires the thread.
 * H2. The gateway's frames are taken in their order, and no call begins within another: what a tool's progress reads
 *     from the port early (to see a cancel) waits for the next turn, unless it is a ping or for a call that runs.
 * H3. A call of another caller than those before it begins only where none of them has changed built-ins, or left
 *     something that runs on (intrinsics/caller-watch.ts). Elsewhere it is refused, and the gateway gives it to another
 *     thread, or to this one again where nothing has ended it. A thread for one caller alone has nothing to compare with,
 *     and takes no other's.
 * H4. Exclusive calls run one after the other: those that come meanwhile wait in line, where the gateway may take them
 *     back. Each begins in a turn of its own, when what the one before it had to say has left: it may hold the thread.
 */
import { type MessagePort, receiveMessageOnPort, threadId } from 'node:worker_threads';
import type { LogLevel } from '../lib/call/log-level.ts';
import { ToolError } from '../lib/call/tool-error.ts';
import { ownKernelId } from '../lib/runners/threads/memory/kernel-thread.ts';
import { claim } from '../lib/runners/threads/port/claims.ts';
import type { CallTask, HostFrame, Shift } from '../lib/runners/threads/port/frames.ts';
import { unpacked } from '../lib/runners/threads/port/packing.ts';
import { setImmediate, setTimeout } from './async-context/own-timers.ts';
import { markBegun } from './begun-mark.ts';
import type { BuiltIns } from './built-ins.ts';
import type { EscapeParts } from './escapes.ts';
import { findExecutable } from './executable.ts';
import { type Admission, CallerWatch } from './intrinsics/caller-watch.ts';
import { eventLoopUtilization, heapStatistics, now, ownList, store, unref } from './intrinsics/captured.ts';
import { guardText } from './intrinsics/faithful-text.ts';
import { Norm } from './intrinsics/norm.ts';
import { nextTurn } from './leftovers/finalizers.ts';
import { Leftovers } from './leftovers/leftovers.ts';
import { SubscriptionsNorm } from './leftovers/subscriptions.ts';
import type { Registry } from './loading/registry.ts';
import type { Outbox } from './outbox.ts';
import { type FrameOfRun, type RunHost, ToolRun } from './tool-run.ts';
import { Turns } from './turns.ts';

export interface HostParts extends EscapeParts {
  /** What the thread loaded; empty where that failed. */
  readonly registry: Registry;
  /** Why the tools could not be loaded; null when they could. */
  readonly failure: string | null;
  /** As they were once the tools had loaded. */
  readonly builtIns: BuiltIns;
  /** Cap of one chunk and of a returned value, in bytes of JSON. */
  readonly maxResultBytes: number;
}

/** How long the port may go unread while a tool reports progress in a loop. */
const POLL_MS = 5;

/** When the gateway may ask again for a call that cannot begin yet. */
const ASK_AGAIN_MS = 2;

const receive = receiveMessageOnPort;

async function failing(error: ToolError): Promise<never> {
  throw error;
}

export class ToolHost implements RunHost {
  readonly outbox: Outbox;
  readonly turns: Turns;
  readonly #parts: HostParts;
  readonly #port: MessagePort;
  readonly #begun: Shift['begun'];
  readonly #claims: Shift['claims'];
  /** Exclusive calls, the first from `#lineStart` on (H4). */
  #line = ownList<CallTask>();
  #lineStart = 0;
  readonly #callers: Shift['callers'];
  /** Read early, and due at the next turn (H2). */
  #postponed = ownList<HostFrame>();
  #polledAt = 0;
  #norm: Norm | null = null;
  #subscriptions: SubscriptionsNorm | null = null;
  #leftovers: Leftovers | null = null;
  readonly #watch = new CallerWatch({
    look: () => this.#change(),
    left: (trustsConnections) => this.#leftovers?.found(trustsConnections) ?? null,
    handedOver: nextTurn,
    eachKey: (visit) => this.#parts.runs.each(({ task }) => visit(task.caller.keyId)),
    later: (step, ms) => unref(setTimeout(step, ms)),
    becameMixed: () => guardText((change) => this.#watch.spoil(`changed ${change}`)),
    spoilt: (reason) => this.retire(reason),
  });
  #utilization = eventLoopUtilization();

  /** Says hello, and takes frames from now on. */
  constructor(parts: HostParts, shift: Shift) {
    const { port, begun, claims, callers } = shift;
    const { context, outbox, failure } = parts;
    this.#parts = parts;
    this.outbox = outbox;
    this.turns = new Turns(outbox);
    this.#port = port;
    this.#begun = begun;
    this.#claims = claims;
    this.#callers = callers;
    port.on('message', (posted: readonly unknown[]) => {
      context.turnBegins();
      context.runApart(() => this.#onMessage(posted));
    });
    outbox.open(shift, { type: 'hello', failure, threadId, kernelId: ownKernelId() });
    // Not before the hello: the gateway may have other things to do meanwhile.
    setImmediate(this.#takeNorm);
  }

  sprint(run: ToolRun): Promise<void> | undefined {
    return this.#parts.context.sprint(run);
  }

  get isAlone(): boolean {
    return this.#parts.runs.size === 1;
  }

  begin({ call, place, mark }: CallTask): void {
    store(this.#begun, place, call);
    if (mark !== undefined) markBegun(mark);
  }

  log(run: ToolRun, level: LogLevel, message: string, data?: unknown): void {
    this.#parts.log.write(run, level, message, data);
  }

  pollPort(): void {
    const at = now();
    if (at - this.#polledAt < POLL_MS) return;
    this.#polledAt = at;
    const port = this.#port;
    for (let received = receive(port); received; received = receive(port)) {
      const posted = received.message as readonly unknown[];
      for (let at = 0; at < posted.length; at++) this.#takeEarly(unpacked(posted[at]) as HostFrame);
    }
  }

  inspect(): void {
    const changed = this.#parts.builtIns.restore();
    if (changed !== null) this.retire(`a call changed the built-in "${changed}"`);
  }

  retire(reason: string): void {
    this.#parts.retirement.begin(reason);
  }

  #takeEarly(frame: HostFrame): void {
    const isOfRun = frame.type !== 'ping' && frame.type !== 'describe' && this.#parts.runs.has(frame.call);
    if (isOfRun || frame.type === 'ping') return this.#onFrame(frame);
    this.#postponed[this.#postponed.length] = frame;
    if (this.#postponed.length === 1) setImmediate(this.#takePostponed);
  }

  readonly #takePostponed = (): void => {
    const frames = this.#postponed;
    this.#postponed = ownList();
    for (let at = 0; at < frames.length; at++) this.#onFrame(frames[at] as HostFrame);
  };

  #onMessage(posted: readonly unknown[]): void {
    if (this.#postponed.length > 0) this.#takePostponed();
    for (let at = 0; at < posted.length; at++) this.#onFrame(unpacked(posted[at]) as HostFrame);
  }

  #onFrame(frame: HostFrame): void {
    switch (frame.type) {
      case 'call':
        return this.#take(frame);
      case 'ping':
        return this.#answerPing();
      case 'describe':
        return this.#describe();
      default:
        return this.#passOn(frame);
    }
  }

  readonly #takeNorm = (): void => {
    if (this.#norm !== null || this.#callers === 'one') return;
    this.#norm = this.#parts.context.runApart(() => new Norm(this.#callers === 'several'));
    this.#subscriptions = new SubscriptionsNorm();
    this.#leftovers = new Leftovers();
    nextTurn();
  };

  #change(): string | null {
    if (this.#norm === null) return 'ran on a thread for one caller alone';
    const changed = this.#norm.changed();
    if (changed !== null) return `changed ${changed}`;
    const added = this.#subscriptions?.added() ?? null;
    return added === null ? null : `left ${added} behind`;
  }

  #answerPing(): void {
    const since = eventLoopUtilization(this.#utilization);
    this.#utilization = eventLoopUtilization();
    const heap = heapStatistics();
    this.outbox.post({
      type: 'pong',
      heapUsedBytes: heap.used_heap_size,
      heldBytes: heap.total_heap_size + heap.external_memory,
      utilization: since.utilization,
    });
  }

  #describe(): void {
    const { registry, log } = this.#parts;
    for (const notice of registry.notices) log.write(undefined, 'info', notice);
    registry.describe().then(
      (catalog) => this.outbox.post({ type: 'described', catalog, failure: null }),
      (error: Error) => this.outbox.post({ type: 'described', catalog: null, failure: error.message }),
    );
  }

  #passOn(frame: FrameOfRun): void {
    const run = this.#parts.runs.get(frame.call);
    // In its own context: its listeners hear of a cancel here.
    if (run) this.#parts.context.enter(run, () => run.receive(frame));
  }

  #take(task: CallTask): void {
    if (!task.isExclusive) return this.#startRun(task);
    if (this.#parts.runs.size > 0 || this.#line.length > 0) this.#line[this.#line.length] = task;
    else this.#startClaimed(task);
  }

  #startClaimed(task: CallTask): void {
    const isOurs = !this.#parts.retirement.hasBegun && claim(this.#claims, task.place, task.call);
    if (isOurs) this.#startRun(task);
    else this.#refuse(task, 'no');
  }

  #startRun(task: CallTask): void {
    const { runs, context, maxResultBytes } = this.#parts;
    this.#takeNorm();
    const admission = this.#watch.admits(task, runs.size === 0);
    if (admission !== 'yes') return this.#refuse(task, admission);
    const run = new ToolRun(task, this, maxResultBytes, this.#onRunEnd);
    runs.set(task.call, run);
    context.run(run, () => void run.execute(this.#find(task)));
  }

  readonly #onRunEnd = (call: number): void => {
    this.#parts.runs.delete(call);
    if (this.#line.length > 0) setImmediate(this.#onTurnOfNext);
  };

  readonly #onTurnOfNext = (): void => this.#parts.context.runApart(this.#takeNext);

  readonly #takeNext = (): void => {
    this.outbox.flush();
    while (this.#parts.runs.size === 0 && this.#line.length > 0) {
      const task = this.#line[this.#lineStart++] as CallTask;
      if (this.#lineStart === this.#line.length) {
        this.#line = ownList();
        this.#lineStart = 0;
      }
      this.#startClaimed(task);
    }
  };

  /** One that may begin soon is not asked for all the time meanwhile. */
  #refuse({ call }: CallTask, admission: Admission): void {
    const refuse = () => this.outbox.post({ type: 'refused', call });
    if (admission === 'no') refuse();
    else unref(setTimeout(refuse, ASK_AGAIN_MS));
  }

  #find(task: CallTask): ReturnType<typeof findExecutable> {
    try {
      return findExecutable(this.#parts.registry, task);
    } catch (error) {
      return failing(ToolError.from(error, 'internal', 'the call could not be set up'));
    }
  }
}
