/**
 * How a run of the tests ends, in Mocha's process and in those it hands files to (.mocharc.json requires this module).
 * Mocha lets its process end by itself, so that one sees what is never closed; but a test that failed half-way leaves
 * its gateway running, and a build service would wait for that one until its own limit.
 *
 * E1. What still holds the process some seconds after the last test is named, and the process ends with Mocha's own exit
 *     code: the run has said by then what passed and what failed.
 * E2. A run that leaves nothing behind is not kept a moment by this.
 * E3. No process that tests have started outlives the one that started it; each that would have is named.
 * E4. A process that dies in the middle of a test takes its file's results with it: Mocha lets the run fail, and the test
 *     is named.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Enough for a gateway to drain on a machine that is busy. */
const PATIENCE_MS = Number(process.env['TEST_END_PATIENCE_MS'] ?? 30_000);

/** E4: where each process keeps what it is in; the first, Mocha's own, makes it and hands it down. */
const isFirst = process.env['TEST_DIARY'] === undefined;
process.env['TEST_DIARY'] ??= mkdtempSync(join(tmpdir(), 'test-diary-'));
const DIARY = process.env['TEST_DIARY'];
const OWN_PAGE = join(DIARY, String(process.pid));

export const mochaHooks: Mocha.RootHookObject = {
  beforeEach(this: Mocha.Context) {
    writeFileSync(OWN_PAGE, `${this.currentTest?.fullTitle()} (${this.currentTest?.file})`);
  },
};

/** What processes were in that are gone, and did not say so. */
export function lastWords(): string[] {
  return readdirSync(DIARY)
    .filter((pid) => !isRunning(Number(pid)))
    .map((pid) => readFileSync(join(DIARY, pid), 'utf8'));
}

process.once('exit', () => {
  rmSync(isFirst ? DIARY : OWN_PAGE, { recursive: true, force: true });
  for (const pid of childrenOf(process.pid)) {
    const command = commandOf(pid);
    if (command === '') continue; // it has ended, and nobody has asked how
    try {
      process.kill(pid, 'SIGKILL');
      console.error(`Left behind by a test, and killed: ${command}`);
    } catch {
      // It has ended meanwhile.
    }
  }
});

/** @param failed how many tests failed */
export function endInTime(failed: number): void {
  // E2: unreferenced, it comes only where something else keeps the loop going.
  setTimeout(() => {
    console.error(`Still open after the last test: ${summary(process.getActiveResourcesInfo())}`);
    process.exit(Math.min(failed, 255));
  }, PATIENCE_MS).unref();
}

function summary(resources: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of resources) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ');
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Where there is a /proc: elsewhere the process ends without them. */
function childrenOf(parent: number): number[] {
  try {
    return readdirSync(`/proc/${parent}/task`).flatMap((thread) =>
      readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  } catch {
    return `process ${pid}`;
  }
}
