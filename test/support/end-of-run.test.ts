/** A run ends, whatever its tests have left running. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { eventually } from './eventually.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** A run of its own, which shares nothing with the one this test is in. */
function run(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const env: NodeJS.ProcessEnv = { ...process.env, TEST_END_PATIENCE_MS: '200' };
  delete env['TEST_DIARY'];
  return new Promise((resolve) => {
    const words = ['node_modules/mocha/bin/mocha.js', ...args];
    execFile(process.execPath, words, { cwd: ROOT, env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

describe('the end of a run', function () {
  this.timeout(60_000);

  it('comes although a test failed and left its child behind, which is killed and named', async () => {
    const { code, stdout, stderr } = await run('dist/test/fixtures/abandoned-child.js');
    expect(code).to.equal(1);
    expect(stdout).to.match(/^0 passed, 1 failed$/m);
    expect(stderr).to.match(/^Still open after the last test: .*ProcessWrap/m);
    expect(stderr).to.match(/^Left behind by a test, and killed: .*setInterval/m);
    const child = Number(/^child (\d+)$/m.exec(stdout)?.[1]);
    // Where nobody waits for it, it stays in the table of processes as a zombie.
    await eventually(
      () => !existsSync(`/proc/${child}`) || /\) Z /.test(readFileSync(`/proc/${child}/stat`, 'utf8')),
    );
  });

  it('comes although a process of the tests dies, and names the test it was in', async () => {
    const { code, stdout } = await run('--parallel', '--jobs', '2', 'dist/test/fixtures/dying-process.js');
    expect(code).not.to.equal(0);
    expect(stdout).to.match(
      /^A process of the tests died in: a test that kills its process .*dying-process\.js/m,
    );
    expect(stdout).to.match(/^0 passed, 1 failed$/m);
  });
});
