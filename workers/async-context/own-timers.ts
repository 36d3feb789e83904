/**
 * Timers of the thread's own machinery: out of reach of tools that replace the globals, and counted, so that what is
 * left over are the timers of tools.
 */
import * as timers from 'node:timers';

export { clearTimeout } from 'node:timers';

let made = 0;

/** How many there have been on this thread. */
export const timersMade = (): number => made;

export function setTimeout(callback: () => void, ms: number): NodeJS.Timeout {
  made++;
  return timers.setTimeout(callback, ms);
}

export function setImmediate(callback: () => void): void {
  made++;
  timers.setImmediate(callback);
}
