/** `npm test -- PATH` runs what the path names, that alone, and fails where it names nothing. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const RUN_TESTS = fileURLToPath(new URL('./run-tests.js', import.meta.url));

interface Outcome {
  readonly code: unknown;
  readonly suites: readonly string[];
  readonly stdout: string;
  readonly stderr: string;
}

/** Mocha's own dry run: it loads and lists the tests, and runs none. */
const runTests = (...args: string[]) =>
  new Promise<Outcome>((resolve) => {
    execFile(process.execPath, [RUN_TESTS, '--dry-run', ...args], (error, stdout, stderr) => {
      const suites = [...stdout.matchAll(/^ {2}([^\s\d].*)$/gm)].map(([, title = '']) => title);
      resolve({ code: error?.code ?? 0, suites, stdout, stderr });
    });
  });

describe('npm test -- PATH', function () {
  this.timeout(60_000);

  it('runs one file, named as it lies in the tree or as it was built', async () => {
    for (const path of ['test/async/token-bucket.test.ts', 'dist/test/async/token-bucket.test.js']) {
      const { code, suites, stdout } = await runTests(path);
      expect(suites, path).to.deep.equal(['TokenBucket']);
      expect(code).to.equal(0);
      expect(stdout).to.match(/^\d+ passed, 0 failed$/m);
    }
  });

  it('runs a folder, and takes the slashes of Windows', async () => {
    const { suites } = await runTests('test\\async', './test/access/');
    expect(suites).to.include('TokenBucket').and.have.length.above(2);
  });

  it('hands the flags of Mocha through', async () => {
    const { stdout } = await runTests('test/async/token-bucket.test.ts', '--grep', 'no such title');
    expect(stdout).to.match(/^0 passed, 0 failed$/m);
  });

  it('refuses a path that names no test', async () => {
    for (const path of ['test/no-such-folder', 'test/async/token-bucket.ts', 'test/support/run-tests.ts']) {
      const { code, stderr } = await runTests(path);
      expect(code, path).to.equal(2);
      expect(stderr).to.contain(`${path} is no test`);
    }
  });
});
