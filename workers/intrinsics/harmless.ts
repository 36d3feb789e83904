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

export const isHarmless = (path: string): boolean => hasOwn(HARMLESS, path);

/** Events of `process` that anyone may listen to: it keeps nothing from anybody. */
const OPEN_EVENTS: Readonly<Record<string, true>> = {
  exit: true,
  beforeExit: true,
  message: true,
  disconnect: true,
};

export const mayListenTo = (event: PropertyKey): boolean => hasOwn(OPEN_EVENTS, event);
