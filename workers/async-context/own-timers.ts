/**
 * Timers of the thread's own machinery: out of reach of tools that replace the globals or what `node:timers` exports,
 * and counted, made ones and those of this turn that wait, so that what is left over are the timers of tools.
 */
import * as timers from 'node:timers';

const { setTimeout: startTimeout, setImmediate: startImmediate } = timers;
export const { clearTimeout } = timers;

let made = 0;

/** How many there have been on this thread. */
export const timersMade = (): number => made;

export function setTimeout(callback: () => void, ms: number): NodeJS.Timeout {
  made++;
  return startTimeout(callback, ms);
}

let waiting = 0;

/** How many callbacks of our own wait for the end of this turn. */
export const immediatesWaiting = (): number => waiting;

export function setImmediate(callback: () => void): void {
  made++;
  waiting++;
  startImmediate(() => {
    waiting--;
    callback();
  });
}
