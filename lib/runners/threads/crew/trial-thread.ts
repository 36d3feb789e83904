/**
 * Loads the tool modules on a thread outside the pool, to see whether they load before any running thread is
 * given up for them.
 */
import type { Catalog } from '../../../call/catalog.ts';
import { ToolError } from '../../../call/tool-error.ts';
import type { ThreadFrame } from '../port/frames.ts';
import type { PoolThread, ThreadSource } from '../thread-source.ts';
import type { LogFrame } from './log-record.ts';

const TRIAL_MS = 30_000;

/**
 * @param threads destroyed in the end.
 * @param log told of what the modules print while they load, and what is to be said of them.
 * @throws {ToolError} `unavailable` saying which module cannot be loaded, and why.
 */
export async function loadOnTrial(threads: ThreadSource, log: (frame: LogFrame) => void): Promise<Catalog> {
  try {
    return await catalogOf(threads.spawn('one'), log);
  } catch (error) {
    throw ToolError.from(error, 'unavailable', `the tool modules cannot be loaded: ${String(error)}`);
  } finally {
    await threads.destroy();
  }
}

async function catalogOf({ port, lost }: PoolThread, log: (frame: LogFrame) => void): Promise<Catalog> {
  let timer: NodeJS.Timeout | undefined;
  const described = new Promise<Catalog>((resolve, reject) => {
    const fail = (reason: string) => reject(new ToolError('unavailable', reason));
    timer = setTimeout(() => fail(`they did not finish loading within ${TRIAL_MS / 1000} s`), TRIAL_MS);
    void lost.then(() => fail('a tool module ended its thread while loading'));
    port.on('message', (frames) => {
      for (const frame of frames as readonly ThreadFrame[]) {
        if (frame.type === 'hello' && frame.failure !== null) fail(frame.failure);
        if (frame.type === 'log') log(frame);
        if (frame.type !== 'described') continue;
        if (frame.catalog) resolve(frame.catalog);
        else fail(frame.failure ?? 'the tools cannot be described');
      }
    });
  });
  port.postMessage([{ type: 'describe' }]);
  try {
    return await described;
  } finally {
    clearTimeout(timer);
    port.close();
  }
}
