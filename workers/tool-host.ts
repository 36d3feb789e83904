/**
 * What runs on every thread of the pool.
 *
 * H1. A thread loads all tool modules before its hello; a failure to load travels in the hello and never reaches
 *     Piscina, which after one failed boot stops replacing threads for good.
 * H2. An error that escapes a call ends that call and retires the thread: its state can no longer be trusted.
 * H3. A call that changed built-ins under the host's feet ends as it would, and retires the thread likewise.
 * H4. The handler resolves when its call's terminal frame is on its way, and always to undefined.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  isMainThread,
  MessageChannel,
  parentPort,
  receiveMessageOnPort,
  threadId,
  workerData,
} from 'node:worker_threads';
import {
  type CallTask,
  type HostFrame,
  LOG_RANK,
  type LogLevel,
  type ThreadHello,
  type ThreadSettings,
} from '../lib/protocol/frames.ts';
import { describeThrown, ToolError } from '../lib/protocol/tool-error.ts';
import { loadModules } from '../lib/tool/load-modules.ts';
import { Registry } from '../lib/tool/registry.ts';
import { BuiltIns } from './built-ins.ts';
import { findExecutable } from './executable.ts';
import { guardPorts } from './guarded-ports.ts';
import { toPlain } from './json-text.ts';
import { LogLimit } from './log-limit.ts';
import { Outbox } from './outbox.ts';
import { captureOutput } from './tool-output.ts';
import { type RunHost, ToolRun } from './tool-run.ts';

if (isMainThread || !parentPort)
  throw new Error('workers/tool-host runs on a thread of the pool, not by itself');

const settings = workerData as ThreadSettings;
const { port1: port, port2: gatewayPort } = new MessageChannel();
const outbox = new Outbox(port);
const runs = new Map<number, ToolRun>();
const currentRun = new AsyncLocalStorage<ToolRun>();
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
    String(message),
    plain === undefined ? undefined : JSON.stringify(plain),
  );
}

captureOutput((level, line) => writeLog(currentRun.getStore(), level, line));

let isRetiring = false;

function onStrayError(thrown: unknown): void {
  const run = currentRun.getStore();
  const text = describeThrown(thrown);
  if (run && !run.isEnded) run.crash(thrown);
  else
    logLimit.write(
      run?.task.call ?? null,
      'error',
      `an error escaped an ended call; its thread is replaced: ${text}`,
    );
  retire('an error escaped a call');
  outbox.flush();
}

/** From here on the thread gets no more calls. */
function retire(reason: string): void {
  if (isRetiring) return;
  isRetiring = true;
  outbox.post({ type: 'retiring', reason });
}
process.on('uncaughtException', onStrayError);
process.on('unhandledRejection', onStrayError);
// process.exit() in a tool: what the turn has made so far still arrives.
process.on('exit', () => {
  for (const run of runs.values()) run.flush();
  outbox.flush();
});

/** How long the port may go unread while a tool reports progress in a loop. */
const POLL_MS = 5;
let polledAt = 0;

const host: RunHost = {
  outbox,
  log: writeLog,
  pollPort() {
    const now = performance.now();
    if (now - polledAt < POLL_MS) return;
    polledAt = now;
    for (let received = receiveMessageOnPort(port); received; received = receiveMessageOnPort(port)) {
      onHostFrame(received.message as HostFrame);
    }
  },
  inspect() {
    const changed = builtIns.restore();
    if (changed !== null) retire(`a call changed the built-in "${changed}"`);
  },
};

let utilization = performance.eventLoopUtilization();

function onHostFrame(frame: HostFrame): void {
  if (frame.type === 'ping') {
    const since = performance.eventLoopUtilization(utilization);
    utilization = performance.eventLoopUtilization();
    outbox.post({
      type: 'pong',
      heapUsedBytes: process.memoryUsage().heapUsed,
      utilization: since.utilization,
    });
  } else if (frame.type === 'describe') {
    void registry.describe().then(
      (catalog) => outbox.post({ type: 'described', catalog, failure: null }),
      (error: Error) => outbox.post({ type: 'described', catalog: null, failure: error.message }),
    );
  } else {
    const run = runs.get(frame.call);
    if (run) run.receive(frame);
    else if (frame.type === 'cancel') keepEarly(frame);
  }
}

/**
 * Cancels whose call is not here: it has ended, or is still on its way. Tasks come on Piscina's port and cancels on
 * ours, and two ports have no common order.
 */
const earlyCancels = new Map<number, Extract<HostFrame, { type: 'cancel' }>>();
/** Those of ended calls are never asked for; the oldest make room. */
const MAX_EARLY_CANCELS = 256;

function keepEarly(frame: Extract<HostFrame, { type: 'cancel' }>): void {
  earlyCancels.set(frame.call, frame);
  if (earlyCancels.size <= MAX_EARLY_CANCELS) return;
  for (const oldest of earlyCancels.keys()) {
    earlyCancels.delete(oldest);
    return;
  }
}

guardPorts();
let registry = new Registry();
let failure: string | null = null;
try {
  registry = await loadModules(settings.toolModules);
} catch (error) {
  failure = error instanceof Error ? error.message : String(error);
}
port.on('message', onHostFrame);
const builtIns = new BuiltIns();
const hello: ThreadHello & { port: typeof gatewayPort } = {
  type: 'hello',
  threadId,
  failure,
  port: gatewayPort,
};
parentPort.postMessage(hello, [gatewayPort]);

/** Runs one call; a null task only brings a thread into being. */
export function runCall(task: CallTask | null): Promise<void> | undefined {
  if (task === null) return undefined;
  return new Promise((resolve) => {
    const run = new ToolRun(task, host, () => {
      runs.delete(task.call);
      resolve();
    });
    runs.set(task.call, run);
    const cancel = earlyCancels.get(task.call);
    if (cancel) {
      earlyCancels.delete(task.call);
      run.receive(cancel);
    }
    currentRun.run(run, () => void run.execute(find(task)));
  });
}

function find(task: CallTask): ReturnType<typeof findExecutable> {
  try {
    return findExecutable(registry, task);
  } catch (error) {
    return Promise.reject(ToolError.from(error, 'internal', 'the call could not be set up'));
  }
}
