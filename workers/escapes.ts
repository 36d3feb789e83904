/**
 * What leaves a tool by no way that was made for it: errors that nobody caught, lines that it prints, and its wish to end
 * the process. All of it finds its call by the context.
 *
 * E1. An error that escapes a call ends that call and retires the thread: its state can no longer be trusted.
 * E2. `process.exit()` takes nothing away: what the turn has made so far still arrives.
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

/** Catches all that from now on, for as long as the thread lives. */
export function catchEscapes({ context, outbox, log, retirement, runs }: EscapeParts): void {
  captureOutput((level, line) => log.write(context.owner(), level, line));

  const onStrayError = (thrown: unknown, promise?: Promise<unknown>): void => {
    const run = context.owner(promise);
    if (run && !run.isEnded) run.crash(thrown);
    else {
      const whence = run ? 'an ended call' : 'from outside of the running calls';
      log.writeError(run, `an error escaped ${whence}; its thread is replaced: ${describeThrown(thrown)}`);
    }
    retirement.begin('an error escaped a call');
    outbox.flush();
  };
  process.on('uncaughtException', (thrown) => onStrayError(thrown));
  process.on('unhandledRejection', onStrayError);
  process.on('exit', () => {
    runs.each((run) => run.flush());
    outbox.flush();
  });
}
