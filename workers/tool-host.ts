/**
 * Takes the gateway's frames on a thread that has loaded its tools, and runs its calls.
 *
 * H1. A call that changed built-ins under the host's feet ends as it would, and retires the thread.
 * H2. The gateway's frames are taken in their order, and no call begins within another: what a tool's progress reads
 *     from the port early (to see a cancel) waits for the next turn, unless it is a ping or for a call that runs.
 */
import { type MessagePort, receiveMessageOnPort, threadId } from 'node:worker_threads';
import type { LogLevel } from '../lib/call/log-level.ts';
import { ToolError } from '../lib/call/tool-error.ts';
import { ownKernelId } from '../lib/runners/threads/memory/kernel-thread.ts';
import type { CallTask, HostFrame, Shift } from '../lib/runners/threads/port/frames.ts';
import { setImmediate } from './async-context/own-timers.ts';
import { markBegun } from './begun-mark.ts';
import type { BuiltIns } from './built-ins.ts';
import type { EscapeParts } from './escapes.ts';
import { findExecutable } from './executable.ts';
import type { Registry } from './loading/registry.ts';
import type { Outbox } from './outbox.ts';
import { type FrameOfRun, type RunHost, ToolRun } from './tool-run.ts';

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

export class ToolHost implements RunHost {
  readonly outbox: Outbox;
  readonly #parts: HostParts;
  readonly #port: MessagePort;
  readonly #begun: Shift['begun'];
  /** Read early, and due at the next turn (H2). */
  #postponed: HostFrame[] = [];
  #polledAt = 0;
  #utilization = performance.eventLoopUtilization();

  /** Says hello, and takes frames from now on. */
  constructor(parts: HostParts, { port, begun }: Shift) {
    const { context, outbox, failure } = parts;
    this.#parts = parts;
    this.outbox = outbox;
    this.#port = port;
    this.#begun = begun;
    port.on('message', (frames: readonly HostFrame[]) => context.runApart(() => this.#onMessage(frames)));
    outbox.open(port, { type: 'hello', failure, threadId, kernelId: ownKernelId() });
  }

  sprint(run: ToolRun): Promise<void> | undefined {
    return this.#parts.runs.size === 1 ? this.#parts.context.sprint(run) : undefined;
  }

  begin({ call, place, mark }: CallTask): void {
    Atomics.store(this.#begun, place, call);
    if (mark !== undefined) markBegun(mark);
  }

  log(run: ToolRun, level: LogLevel, message: string, data?: unknown): void {
    this.#parts.log.write(run, level, message, data);
  }

  pollPort(): void {
    const now = performance.now();
    if (now - this.#polledAt < POLL_MS) return;
    this.#polledAt = now;
    const port = this.#port;
    for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) {
      for (const frame of received.message as HostFrame[]) this.#takeEarly(frame);
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
    const isDue = frame.type === 'ping' || ('call' in frame && this.#parts.runs.has(frame.call));
    if (isDue) this.#onFrame(frame);
    else if (this.#postponed.push(frame) === 1) setImmediate(this.#takePostponed);
  }

  readonly #takePostponed = (): void => {
    const frames = this.#postponed;
    this.#postponed = [];
    for (const frame of frames) this.#onFrame(frame);
  };

  #onMessage(frames: readonly HostFrame[]): void {
    if (this.#postponed.length > 0) this.#takePostponed();
    for (const frame of frames) this.#onFrame(frame);
  }

  #onFrame(frame: HostFrame): void {
    switch (frame.type) {
      case 'call':
        return this.#startRun(frame);
      case 'ping':
        return this.#answerPing();
      case 'describe':
        return this.#describe();
      default:
        return this.#passOn(frame);
    }
  }

  #answerPing(): void {
    const since = performance.eventLoopUtilization(this.#utilization);
    this.#utilization = performance.eventLoopUtilization();
    const { heapUsed, heapTotal, external } = process.memoryUsage();
    this.outbox.post({
      type: 'pong',
      heapUsedBytes: heapUsed,
      heldBytes: heapTotal + external,
      utilization: since.utilization,
    });
  }

  #describe(): void {
    this.#parts.registry.describe().then(
      (catalog) => this.outbox.post({ type: 'described', catalog, failure: null }),
      (error: Error) => this.outbox.post({ type: 'described', catalog: null, failure: error.message }),
    );
  }

  #passOn(frame: FrameOfRun): void {
    const run = this.#parts.runs.get(frame.call);
    // In its own context: its listeners hear of a cancel here.
    if (run) this.#parts.context.enter(run, () => run.receive(frame));
  }

  #startRun(task: CallTask): void {
    const { runs, context, maxResultBytes } = this.#parts;
    const run = new ToolRun(task, this, maxResultBytes, () => runs.delete(task.call));
    runs.set(task.call, run);
    context.run(run, () => void run.execute(this.#find(task)));
  }

  #find(task: CallTask): ReturnType<typeof findExecutable> {
    try {
      return findExecutable(this.#parts.registry, task);
    } catch (error) {
      return Promise.reject(ToolError.from(error, 'internal', 'the call could not be set up'));
    }
  }
}
