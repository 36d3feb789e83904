/**
 * Mocha's spec reporter with one more line at the end, alone on its line: `N passed, N failed`, which build
 * services read. Default export: Mocha takes reporters no other way.
 *
 * What tests left running does not keep the run from ending (end-of-run.ts).
 *
 * A run that a watcher started (watch-tests.ts) ends early when that says so: after the test it is in, hooks included,
 * since a signal would leave the processes behind that tests have started.
 */
import Mocha from 'mocha';
import { endInTime, lastWords } from './end-of-run.ts';

export default class ClosingLine extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    if (!process.channel) return;
    process.once('message', () => runner.abort());
    process.channel.unref();
  }

  override epilogue(): void {
    super.epilogue();
    for (const words of lastWords()) console.log(`A process of the tests died in: ${words}`);
    const { passes, failures, pending } = this.stats;
    console.log(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}`);
    endInTime(failures);
  }
}
