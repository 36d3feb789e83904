/**
 * Loads the tool modules on a thread outside the pool, to see whether they load before any running thread is
 * given up for them.
 */
import { once } from 'node:events';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { Catalog, ThreadFrame, ThreadHello } from '../protocol/frames.ts';
import { ToolError } from '../protocol/tool-error.ts';
import type { ThreadsOptions } from './piscina-threads.ts';

const TRIAL_MS = 30_000;

/** @throws {ToolError} `unavailable` saying which module cannot be loaded, and why. */
export async function loadOnTrial({ entry, settings, env, heapMb }: ThreadsOptions): Promise<Catalog> {
  const thread = new Worker(new URL(entry), {
    workerData: settings,
    env: { ...env },
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
    stdout: true,
  });
  try {
    return await catalogOf(thread);
  } catch (error) {
    throw ToolError.from(error, 'unavailable', `the tool modules cannot be loaded: ${String(error)}`);
  } finally {
    await thread.terminate();
  }
}

async function catalogOf(thread: Worker): Promise<Catalog> {
  const signal = AbortSignal.timeout(TRIAL_MS);
  const ended = once(thread, 'exit', { signal }).then(([code]) => {
    throw new ToolError('unavailable', `a tool module ended its thread while loading (exit code ${code})`);
  });
  const [{ failure, port }] = (await Promise.race([once(thread, 'message', { signal }), ended])) as [
    ThreadHello & { port: MessagePort },
  ];
  try {
    if (failure !== null) throw new ToolError('unavailable', failure);
    port.postMessage({ type: 'describe' });
    for (;;) {
      const [frames] = (await Promise.race([once(port, 'message', { signal }), ended])) as [ThreadFrame[]];
      const described = frames.find((frame) => frame.type === 'described');
      if (described?.catalog) return described.catalog;
      if (described) throw new ToolError('unavailable', described.failure ?? 'the tools cannot be described');
    }
  } finally {
    ended.catch(() => undefined);
    port.close();
  }
}
