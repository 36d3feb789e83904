/** A run ends, whatever its tests have left running. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { eventually } from './eventually.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

describe('the end of a run', function () {
  this.timeout(60_000);

  it('comes although a test failed and left its child behind, which is killed and named', async () => {
    const args = ['node_modules/mocha/bin/mocha.js', 'dist/test/fixtures/abandoned-child.js'];
    const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>(
      (resolve) => {
        execFile(
          process.execPath,
          args,
          { cwd: ROOT, env: { ...process.env, TEST_END_PATIENCE_MS: '200' } },
          (error, out, err) => resolve({ code: error?.code ?? 0, stdout: out, stderr: err }),
        );
      },
    );
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
});
