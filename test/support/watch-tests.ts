/**
 * `npm run test:watch [-- PATH…]`: the compiler watches the sources, and every build without an error runs the tests
 * anew. Mocha's own watch cannot: it has no way to load an ES module a second time.
 *
 * W1. A run that is overtaken by a change is told to end after the test it is in (closing-line.ts), and the next begins
 *     when it is gone, so that two runs never share ports and files.
 * W2. With errors nothing runs: what is in dist/ is older than what one reads.
 * W3. What threads load is bundled anew before each run, as a build does it.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const RUN_TESTS = fileURLToPath(new URL('./run-tests.js', import.meta.url));
const tsc = ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--incremental', '--watch'];

/** On Windows a console's Ctrl-C reaches every process in it. */
const hasGroups = process.platform !== 'win32';
const compiler = spawn(process.execPath, [...tsc, '--preserveWatchOutput'], {
  cwd: ROOT,
  stdio: ['ignore', 'pipe', 'inherit'],
  detached: hasGroups,
});
const tests = {
  /** The run that is under way. */
  running: null as ChildProcess | null,
  /** What was built last without an error has not been run. */
  isStale: false,
};

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    stopCompiler();
    tests.isStale = false;
    endRun();
  });

for await (const line of createInterface({ input: compiler.stdout })) {
  console.log(line);
  const [, errors] = /Found (\d+) errors?\b/.exec(line) ?? [];
  if (errors === undefined) continue;
  tests.isStale = errors === '0';
  if (tests.running) endRun();
  else if (tests.isStale) void runUntilFresh();
}

/** With its group: `tsc` starts the native compiler and, on Node 20, cannot hear a signal while that runs. */
function stopCompiler(): void {
  if (hasGroups && compiler.pid !== undefined) process.kill(-compiler.pid);
  else compiler.kill();
}

function endRun(): void {
  if (tests.running?.connected) tests.running.send('end');
}

async function runUntilFresh(): Promise<void> {
  while (tests.isStale) {
    tests.isStale = false;
    // Nothing comes between: a change that came meanwhile would begin a second run (W1).
    const { status } = spawnSync(process.execPath, ['workers/bundle.mjs'], { cwd: ROOT, stdio: 'inherit' });
    if (status !== 0) return;
    const args = [RUN_TESTS, ...process.argv.slice(2)];
    tests.running = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    await once(tests.running, 'close');
    tests.running = null;
  }
}
