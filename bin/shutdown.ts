/**
 * What signals do: the first asks to stop, a second stops at once. A supervised gateway hears both from its supervisor;
 * a signal of its own asks it to stop, however often it comes, since the supervisor may have had the same.
 */
import type { ParentLink } from '../lib/supervise/parent-link.ts';
import { exit } from './exit.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

const exitNow = (): void => void exit(1);

/** Calls `stop` at the first signal, `again` at each that follows; that exits with 1 by default. */
export function onSignal(stop: (signal: NodeJS.Signals) => void, again: () => void = exitNow): void {
  let isStopping = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (isStopping) return again();
      isStopping = true;
      stop(signal);
    });
  }
}

/** Calls `stop` once, when a signal or the supervisor asks to stop; exits with 1 when either asks to stop at once. */
export function onStop(stop: (reason: string) => void, parent: ParentLink | undefined): void {
  if (!parent) return onSignal(stop);
  let isStopping = false;
  const ask = (reason: string) => {
    if (isStopping) return;
    isStopping = true;
    stop(reason);
  };
  onSignal(ask, () => {});
  parent.onStop({ stop: ask, stopNow: exitNow });
}
