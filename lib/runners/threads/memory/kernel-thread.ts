/**
 * A thread as Linux sees it: which one it is, how much memory it has touched for the first time, and how long it has
 * waited for a processor. That tells who grew when the process did, for a thread that says nothing, and who says
 * nothing for want of a processor. Loaded by both sides; elsewhere it is not known (null).
 */
import { readFileSync, readlinkSync } from 'node:fs';

/** @returns the system's number of the thread that asks. */
export function ownKernelId(): number | null {
  try {
    return Number(/\d+$/.exec(readlinkSync('/proc/thread-self'))?.[0] ?? Number.NaN) || null;
  } catch {
    return null;
  }
}

/** Pages are larger on some machines; sizes are compared with each other only. */
const PAGE_BYTES = 4096;

/** Minor faults, counted after the command's name, which may hold anything. */
const MINOR_FAULTS = 7;

/** @returns bytes of fresh memory that the thread has touched in its life, freed ones included. */
export function bytesTouched(kernelId: number | null): number | null {
  if (kernelId === null) return null;
  try {
    const stat = readFileSync(`/proc/self/task/${kernelId}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(') ') + 2).split(' ')[MINOR_FAULTS]) * PAGE_BYTES;
  } catch {
    return null;
  }
}

/**
 * @param process the thread's process; default this one.
 * @returns for how long the thread has been ready to run in its life while others ran, in milliseconds.
 */
export function starvedMs(kernelId: number | null, process: number | 'self' = 'self'): number | null {
  if (kernelId === null) return null;
  try {
    const [, waited] = readFileSync(`/proc/${process}/task/${kernelId}/schedstat`, 'latin1').split(' ');
    return Number(waited) / 1e6 || 0;
  } catch {
    return null;
  }
}
