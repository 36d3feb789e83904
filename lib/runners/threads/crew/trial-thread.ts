/**
 * Loads the tool modules on a thread outside the pool, to see whether they load before any running thread is
 * given up for them.
 */
import { once } from 'node:events';
import type { Catalog } from '../../../call/catalog.ts';
import { ToolError } from '../../../call/tool-error.ts';
import { PiscinaThreads, type PoolThread, type ThreadsOptions } from '../piscina/piscina-threads.ts';
import type { HostFrame, ThreadFrame } from '../port/frames.ts';

const TRIAL_MS = 30_000;

/** @throws {ToolError} `unavailable` saying which module cannot be loaded, and why. */
export async function loadOnTrial(options: ThreadsOptions): Promise<Catalog> {
  const threads = new PiscinaThreads({ ...options, maxThreads: 1 }, () => undefined);
  try {
    return await catalogOf(threads.spawn(false));
  } catch (error) {
    throw ToolError.from(error, 'unavailable', `the tool modules cannot be loaded: ${String(error)}`);
  } finally {
    await threads.destroy();
  }
}

async function catalogOf({ port, lost }: PoolThread): Promise<Catalog> {
  const signal = AbortSignal.timeout(TRIAL_MS);
  const ended = lost.then(() => {
    throw new ToolError('unavailable', 'a tool module ended its thread while loading');
  });
  port.postMessage([{ type: 'describe' }] satisfies HostFrame[]);
  try {
    for (;;) {
      const [frames] = (await Promise.race([once(port, 'message', { signal }), ended])) as [ThreadFrame[]];
      for (const frame of frames) {
        if (frame.type === 'hello' && frame.failure !== null)
          throw new ToolError('unavailable', frame.failure);
        if (frame.type !== 'described') continue;
        if (frame.catalog) return frame.catalog;
        throw new ToolError('unavailable', frame.failure ?? 'the tools cannot be described');
      }
    }
  } finally {
    ended.catch(() => undefined);
    port.close();
  }
}
