/**
 * What signals do: the first asks to stop, a second stops at once.
 */
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** Calls `stop` at the first signal; exits with 1 at the second. */
export function onSignal(stop: (signal: NodeJS.Signals) => void): void {
  let isStopping = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (isStopping) process.exit(1);
      isStopping = true;
      stop(signal);
    });
  }
}
