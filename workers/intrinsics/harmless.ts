/**
 * Changes of built-ins that no other caller can tell. Everything else makes a thread unfit for other callers.
 */
import { hasOwn } from './captured.ts';

/** The name of what changes, and why that does no harm. */
const HARMLESS: Readonly<Record<string, string>> = {
  'Symbol(undici.globalDispatcher.1)': 'comes with fetch; its value is looked at by itself',
  'Symbol(undici.globalDispatcher.2)': 'comes with fetch; its value is looked at by itself',
  'Error.stackTraceLimit': 'how much of a stack is kept; libraries set it and put it back',
  'process._eventsCount': 'listeners are compared one by one',
  'process._maxListeners': 'only from how many listeners on Node warns',
  'process.exitCode': 'nobody reads the exit code of a thread',
  'console.Symbol(kGroupIndent)': 'what console.group put before each line',
  'console.Symbol(kGroupIndentationString)': 'what console.group put before each line',
};

/** Of these the value is an object, and compared elsewhere. */
const OBJECTS: Readonly<Record<string, true>> = {
  'Symbol(undici.globalDispatcher.1)': true,
  'Symbol(undici.globalDispatcher.2)': true,
};

/**
 * @param now what is there now; where it is gone, undefined. Only a plain value does no harm: an accessor would run a
 *   tool's code, and so might an object.
 */
export function isHarmless(path: string, now: PropertyDescriptor | undefined): boolean {
  if (!hasOwn(HARMLESS, path)) return false;
  if (now === undefined || hasOwn(OBJECTS, path)) return true;
  if (!hasOwn(now, 'value')) return false;
  const { value } = now;
  return value === null || (typeof value !== 'object' && typeof value !== 'function');
}

export const isDispatcher = (path: string): boolean => hasOwn(OBJECTS, path);

/** Events of `process` that anyone may listen to: it keeps nothing from anybody. */
const OPEN_EVENTS: Readonly<Record<string, true>> = {
  exit: true,
  beforeExit: true,
  message: true,
  disconnect: true,
};

export const mayListenTo = (event: PropertyKey): boolean => hasOwn(OPEN_EVENTS, event);
