/**
 * What runs on every thread of the pool.
 *
 * H1. A thread loads all tool modules before its hello; a failure to load travels in the hello.
 * H2. An error that escapes a call ends that call and retires the thread: its state can no longer be trusted.
 * H3. A call that changed built-ins under the host's feet ends as it would, and retires the thread likewise.
 * H4. The gateway's frames are taken in their order, and no call begins within another: what a tool's progress reads
 *     from the port early (to see a cancel) waits for the next turn, unless it is a ping or for a call that runs.
 * H5. A call of another caller than those before it begins only where none of them has changed built-ins
 *     (intrinsics/caller-watch.ts); elsewhere it is refused, and the gateway gives it to another thread.
 */

import { isMainThread, type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { TransitMap } from '../lib/async/transit-map.ts';
import { LOG_RANK, type LogLevel } from '../lib/call/log-level.ts';
import { describeThrown, ToolError } from '../lib/call/tool-error.ts';
import type { CallTask, HostFrame, Shift, ThreadSettings } from '../lib/runners/threads/port/frames.ts';
import { createCallContext } from './async-context/call-context.ts';
import { setImmediate, setTimeout } from './async-context/own-timers.ts';
import { BuiltIns } from './built-ins.ts';
import { findExecutable } from './executable.ts';
import { guardPorts } from './guarded-ports.ts';
import { CallerWatch } from './intrinsics/caller-watch.ts';
import {
  eventLoopUtilization,
  memoryUsage,
  now,
  ownList,
  store,
  stringify,
  toText,
  unref,
} from './intrinsics/captured.ts';
import { guardText, noteText } from './intrinsics/faithful-text.ts';
import { Norm } from './intrinsics/norm.ts';
import { toPlain } from './json-text.ts';
import { loadModules } from './loading/load-modules.ts';
import { Registry } from './loading/registry.ts';
import { LogLimit } from './log-limit.ts';
import { Outbox } from './outbox.ts';
import { captureOutput } from './tool-output.ts';
import { type FrameOfRun, type RunHost, ToolRun } from './tool-run.ts';

if (isMainThread) throw new Error('workers/tool-host runs on a thread of the pool, not by itself');

const settings = workerData as ThreadSettings;
const receive = receiveMessageOnPort;
const outbox = new Outbox();
const runs = new TransitMap<number, ToolRun>();
const context = createCallContext<ToolRun>();
const logLimit = new LogLimit((call, level, message, data) =>
  outbox.post({ type: 'log', call, level, message, ...(data === undefined ? {} : { data }) }),
);

function isLogged(run: ToolRun | undefined, level: LogLevel): boolean {
  const wanted = run?.task.logLevel;
  return (
    LOG_RANK[level] >= LOG_RANK[settings.logLevel] ||
    (wanted !== undefined && LOG_RANK[level] >= LOG_RANK[wanted])
  );
}

function writeLog(run: ToolRun | undefined, level: LogLevel, message: string, data?: unknown): void {
  if (!isLogged(run, level)) return;
  const plain = toPlain(data);
  logLimit.write(
    run?.task.call ?? null,
    level,
    toText(message),
    plain === undefined ? undefined : stringify(plain),
  );
}

captureOutput((level, line) => writeLog(context.owner(), level, line));

let isRetiring = false;

function onStrayError(thrown: unknown, promise?: Promise<unknown>): void {
  const run = context.owner(promise);
  const text = describeThrown(thrown);
  if (run && !run.isEnded) run.crash(thrown);
  else {
    const whence = run ? 'an ended call' : 'from outside of the running calls';
    const message = `an error escaped ${whence}; its thread is replaced: ${text}`;
    logLimit.write(run?.task.call ?? null, 'error', message);
  }
  retire('an error escaped a call');
  outbox.flush();
}

/** From here on the thread gets no more calls. */
function retire(reason: string): void {
  if (isRetiring) return;
  isRetiring = true;
  outbox.post({ type: 'retiring', reason });
}
process.on('uncaughtException', (thrown) => onStrayError(thrown));
process.on('unhandledRejection', onStrayError);
// process.exit() in a tool: what the turn has made so far still arrives.
process.on('exit', () => {
  runs.each((run) => run.flush());
  outbox.flush();
});

/** How long the port may go unread while a tool reports progress in a loop. */
const POLL_MS = 5;
let polledAt = 0;

let port: MessagePort | null = null;
let begun: Shift['begun'];
/** Read early, and due at the next turn (H4). */
let postponed = ownList<HostFrame>();

const host: RunHost = {
  outbox,
  hasten: (run) => (runs.size === 1 ? context.hasten(run) : undefined),
  begin: ({ call, place }) => store(begun, place, call),
  log: writeLog,
  pollPort() {
    const at = now();
    if (port === null || at - polledAt < POLL_MS) return;
    polledAt = at;
    for (let received = receive(port); received; received = receive(port)) {
      const frames = received.message as HostFrame[];
      for (let index = 0; index < frames.length; index++) takeEarly(frames[index] as HostFrame);
    }
  },
  inspect() {
    const changed = builtIns.restore();
    if (changed !== null) retire(`a call changed the built-in "${changed}"`);
  },
  retire,
};

function takeEarly(frame: HostFrame): void {
  if (frame.type === 'ping' || (frame.type !== 'call' && frame.type !== 'describe' && runs.has(frame.call)))
    onHostFrame(frame);
  else {
    postponed[postponed.length] = frame;
    if (postponed.length === 1) setImmediate(takePostponed);
  }
}

function takePostponed(): void {
  const frames = postponed;
  postponed = ownList();
  for (let at = 0; at < frames.length; at++) onHostFrame(frames[at] as HostFrame);
}

function onMessage(frames: readonly HostFrame[]): void {
  if (postponed.length > 0) takePostponed();
  for (let at = 0; at < frames.length; at++) onHostFrame(frames[at] as HostFrame);
}

let utilization = eventLoopUtilization();

function onHostFrame(frame: HostFrame): void {
  switch (frame.type) {
    case 'call':
      return startRun(frame);
    case 'ping': {
      const since = eventLoopUtilization(utilization);
      utilization = eventLoopUtilization();
      const { heapUsed } = memoryUsage();
      return outbox.post({ type: 'pong', heapUsedBytes: heapUsed, utilization: since.utilization });
    }
    case 'describe':
      return void registry.describe().then(
        (catalog) => outbox.post({ type: 'described', catalog, failure: null }),
        (error: Error) => outbox.post({ type: 'described', catalog: null, failure: error.message }),
      );
    default:
      return toRun(frame);
  }
}

guardPorts();
let registry = new Registry();
let failure: string | null = null;
try {
  registry = await context.runApart(() => loadModules(settings.toolModules));
} catch (error) {
  failure = error instanceof Error ? error.message : String(error);
}
const builtIns = new BuiltIns();
noteText();

/**
 * The thread's shift: takes calls from the gateway until the thread is ended. Never settles.
 * Piscina calls it once, when it has loaded this module.
 */
export function serve(shift: Shift): Promise<never> {
  ({ port, begun } = shift);
  port.on('message', (frames: readonly HostFrame[]) => context.runApart(() => onMessage(frames)));
  outbox.open(port, { type: 'hello', failure });
  // Not before the hello: the gateway may have other things to do meanwhile.
  setImmediate(takeNorm);
  return new Promise(() => {});
}

function toRun(frame: FrameOfRun): void {
  const run = runs.get(frame.call);
  // In its own context: its listeners hear of a cancel here.
  if (run) context.enter(run, () => run.receive(frame));
}

let norm: Norm | null = null;

function takeNorm(): void {
  norm ??= context.runApart(() => new Norm());
}

const watch = new CallerWatch({
  look: () => norm?.changed() ?? null,
  forEachKey: (visit) => runs.each((run) => visit(run.task.caller.keyId)),
  later: (step, ms) => void unref(setTimeout(step, ms)),
  becameMixed: () => guardText((change) => watch.spoil(change)),
  spoilt: (reason) => retire(reason),
});

function startRun(task: CallTask): void {
  takeNorm();
  if (!watch.admits(task, runs.size === 0)) return outbox.post({ type: 'refused', call: task.call });
  const run = new ToolRun(task, host, settings.maxResultBytes, () => runs.delete(task.call));
  runs.set(task.call, run);
  context.run(run, () => void run.execute(find(task)));
}

function find(task: CallTask): ReturnType<typeof findExecutable> {
  try {
    return findExecutable(registry, task);
  } catch (error) {
    return failing(ToolError.from(error, 'internal', 'the call could not be set up'));
  }
}

async function failing(error: ToolError): Promise<never> {
  throw error;
}
