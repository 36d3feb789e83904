/**
 * Mocha's spec reporter with one more line at the end, alone on its line: `N passed, N failed`, which build
 * services read. Default export: Mocha takes reporters no other way.
 */
import Mocha from 'mocha';

export default class ClosingLine extends Mocha.reporters.Spec {
  override epilogue(): void {
    super.epilogue();
    const { passes, failures, pending } = this.stats;
    console.log(`${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}`);
  }
}
