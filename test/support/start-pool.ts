/**
 * A pool over fixture tools, for tests below the transports.
 */
import { tmpdir } from 'node:os';
import type { ToolEvent } from '../../lib/call/call-events.ts';
import type { CallRequest, RunningCall } from '../../lib/call/running-call.ts';
import type { Defect, Runner } from '../../lib/runners/runner.ts';
import { type PoolOptions, WorkerPool } from '../../lib/runners/threads/worker-pool.ts';
import { noteOpened } from './leak-check.ts';

export const fixture = (name: string): string => new URL(`../fixtures/${name}.js`, import.meta.url).href;

/**
 * The fixture tools on few threads, unless `options` say otherwise. Closing it fails when it had a defect, unless it
 * may have them.
 */
export async function startPool(
  options: Partial<PoolOptions> = {},
  modules = ['basic-tools', 'faulty-tools'],
  { mayHaveDefects = false } = {},
): Promise<WorkerPool> {
  const noteClosed = noteOpened();
  const pool = await WorkerPool.start(testPool(options, modules)).catch(async (error: unknown) => {
    await noteClosed();
    throw error;
  });
  const defects: Defect[] = [];
  if (!mayHaveDefects) pool.listen({ defect: (defect) => defects.push(defect) });
  const close = pool.close.bind(pool);
  pool.close = async () => {
    await close();
    await noteClosed();
    for (const { during, error } of defects) throw new Error(`a defect: ${during}`, { cause: error });
  };
  return pool;
}

/** What a pool of a test is told to be. */
export function testPool(options: Partial<PoolOptions>, modules: readonly string[]): PoolOptions {
  return {
    entry: new URL('../../workers/piscina-entry.cjs', import.meta.url).href,
    settings: {
      toolModules: modules.map(fixture),
      dataDir: tmpdir(),
      logLevel: 'debug',
      maxResultBytes: 8 * 1024 * 1024,
    },
    env: {},
    minThreads: 1,
    maxThreads: 4,
    callsPerThread: 8,
    heapMb: 64,
    queueLimit: 64,
    queueWaitMs: 10_000,
    cancelGraceMs: 200,
    ...options,
  };
}

let calls = 0;

/** Starts a streaming call. */
export function call(
  pool: Runner,
  name: string,
  args: object = {},
  more: Partial<CallRequest> = {},
): RunningCall {
  return pool.call({
    name,
    arguments: args,
    caller: { keyId: 'test', transport: 'http' },
    streams: true,
    repeatBytes: 64 * 1024,
    callId: `call-${++calls}`,
    ...more,
  });
}

export async function eventsOf(running: RunningCall): Promise<ToolEvent[]> {
  const events: ToolEvent[] = [];
  for await (const event of running) events.push(event);
  return events;
}
