/**
 * A thread from its start on. The order matters, and is told here alone:
 *
 * M1. First the context, so that whatever is made later is marked; then what catches what tools print and throw, which
 *     they may do while they load.
 * M2. The ports are out of reach before the first line of a tool runs.
 * M3. All modules are loaded before the hello; a failure to load travels in it. What built-ins are then is the norm.
 */
import { isMainThread, workerData } from 'node:worker_threads';
import { TransitMap } from '../lib/async/transit-map.ts';
import { ToolError } from '../lib/call/tool-error.ts';
import type { Shift, ThreadSettings } from '../lib/runners/threads/port/frames.ts';
import { createCallContext } from './async-context/context-choice.ts';
import { writeBinaryAsBase64 } from './binary-json.ts';
import { BuiltIns } from './built-ins.ts';
import { catchEscapes } from './escapes.ts';
import { guardPorts } from './guarded-ports.ts';
import { noteText } from './intrinsics/faithful-text.ts';
import { partLongSteps } from './intrinsics/many-steps.ts';
import { noteSegments } from './intrinsics/segments.ts';
import { boundFinalizers } from './leftovers/finalizers.ts';
import { keepInSight } from './leftovers/in-sight.ts';
import { boundNestedThreads } from './leftovers/nested-threads.ts';
import { noteSubscriptions } from './leftovers/subscriptions.ts';
import { loadModules } from './loading/load-modules.ts';
import { Registry } from './loading/registry.ts';
import { Outbox } from './outbox.ts';
import { Retirement } from './retirement.ts';
import { ThreadLog } from './thread-log.ts';
import { type HostParts, ToolHost } from './tool-host.ts';
import type { ToolRun } from './tool-run.ts';

if (isMainThread) throw new Error('workers/thread-main runs on a thread of the pool, not by itself');

async function prepare({
  toolModules,
  logLevel,
  maxResultBytes,
  heapMb,
}: ThreadSettings): Promise<HostParts> {
  const context = createCallContext<ToolRun>();
  const outbox = new Outbox(() => context.turnBegins());
  const log = new ThreadLog(outbox, logLevel);
  const retirement = new Retirement(outbox);
  const runs = new TransitMap<number, ToolRun>();
  const escapes = { context, outbox, log, retirement, runs };
  catchEscapes(escapes);
  guardPorts();
  // Tools have it in hand.
  Object.freeze(ToolError);
  Object.freeze(ToolError.prototype);
  writeBinaryAsBase64();
  partLongSteps(heapMb);
  noteSegments();
  keepInSight();
  noteSubscriptions();
  boundFinalizers();
  boundNestedThreads(heapMb);
  const loaded = await context.runApart(() => load(toolModules));
  noteText();
  return { ...escapes, ...loaded, builtIns: new BuiltIns(), maxResultBytes };
}

async function load(modules: readonly string[]): Promise<Pick<HostParts, 'registry' | 'failure'>> {
  try {
    return { registry: await loadModules(modules), failure: null };
  } catch (error) {
    return { registry: new Registry(), failure: error instanceof Error ? error.message : String(error) };
  }
}

const parts = await prepare(workerData as ThreadSettings);

/**
 * The thread's shift: takes calls from the gateway until the thread is ended. Never settles.
 * Piscina calls it once, when it has loaded this module.
 */
export function serve(shift: Shift): Promise<never> {
  new ToolHost(parts, shift);
  return new Promise(() => {});
}
