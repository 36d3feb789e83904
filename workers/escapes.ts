/**
 * What leaves a tool by no way that was made for it: errors that nobody caught, lines that it prints, and its wish to end
 * the process. All of it finds its call by the context.
 *
 * E1. An error that escapes a call ends that call and retires the thread: its state can no longer be trusted.
 *     Where such errors do not end (a tool has broken what Node itself stands on), the thread does.
 * E2. `process.exit()` takes nothing away: what the turn has made so far still arrives. It ends the thread where nothing
 *     runs but the call that asks for it; else it ends that call, or nothing where that has ended, and retires the thread.
 */
import type { TransitMap } from '../lib/async/transit-map.ts';
import { describeThrown } from '../lib/call/tool-error.ts';
import type { CallContext } from './async-context/call-context.ts';
import type { Outbox } from './outbox.ts';
import type { Retirement } from './retirement.ts';
import type { ThreadLog } from './thread-log.ts';
import { captureOutput } from './tool-output.ts';
import type { ToolRun } from './tool-run.ts';

export interface EscapeParts {
  readonly context: CallContext<ToolRun>;
  readonly outbox: Outbox;
  readonly log: ThreadLog;
  readonly retirement: Retirement;
  /** Runs that have not ended. */
  readonly runs: TransitMap<number, ToolRun>;
}

/** So many are told one by one. */
const MOST_TOLD = 10;

/** A call that goes wrong leaves hundreds behind at most. */
const MOST_ESCAPED = 1000;

const exit: (code?: number | string | null) => never = process.exit.bind(process);

/** Stops the code that asked for the end of its thread, where the thread goes on. */
const STOPPED = new Error('process.exit() was called');

/** Catches all that from now on, for as long as the thread lives. */
export function catchEscapes({ context, outbox, log, retirement, runs }: EscapeParts): void {
  captureOutput((level, line) => log.write(context.owner(), level, line));

  let escaped = 0;
  const onStrayError = (thrown: unknown, promise?: Promise<unknown>): void => {
    if (thrown === STOPPED) return;
    escaped++;
    const run = context.owner(promise);
    if (run && !run.isEnded) run.crash(thrown);
    else if (escaped <= MOST_TOLD) {
      const whence = run ? 'an ended call' : 'from outside of the running calls';
      log.writeError(run, `an error escaped ${whence}; its thread is replaced: ${describeThrown(thrown)}`);
    }
    retirement.begin('an error escaped a call');
    if (escaped === MOST_ESCAPED)
      log.writeError(undefined, `${escaped} errors have escaped on this thread, which ends now`);
    outbox.flush();
    if (escaped >= MOST_ESCAPED) exit(1);
  };
  process.exit = (code) => {
    const run = context.owner();
    const isRunning = run !== undefined && !run.isEnded;
    if (runs.size === (isRunning ? 1 : 0)) exit(code);
    if (isRunning) run.crash(STOPPED);
    else log.writeError(run, 'process.exit() was called by no call that runs; its thread is replaced');
    retirement.begin('process.exit() was called beside calls that run');
    outbox.flush();
    throw STOPPED;
  };
  process.on('uncaughtException', (thrown) => onStrayError(thrown));
  process.on('unhandledRejection', onStrayError);
  process.on('exit', () => {
    runs.each((run) => run.flush());
    outbox.flush();
  });
}
