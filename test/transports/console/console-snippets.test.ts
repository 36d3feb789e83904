/** What the console gives to be copied, pasted and run as it is. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type ConsoleSession, openConsole } from './console-session.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
/** What shells, and strings of other languages, take for something else. */
const ODD = `it's "$HOME" \`id\` \\n \${x} % é 😀\nline two`;

const PROGRAMS = {
  curl: ['bash', '-s'],
  fetch: [process.execPath, '--input-type=module', '-'],
  Python: ['python3', '-'],
  WebSocket: [process.execPath, '--input-type=module', '-'],
} as const;

describe('snippets of the console', function () {
  this.timeout(120_000);
  let session: ConsoleSession | undefined;
  before(async function () {
    session = await openConsole({});
    if (!session) this.skip();
  });
  after(() => session?.close());

  for (const [name, [program, ...args]] of Object.entries(PROGRAMS))
    it(`call the tool when they are pasted as they are: ${name}`, async function () {
      const { page, fill } = session as ConsoleSession;
      await fill('echo', { text: ODD });
      if (!(await page.getByLabel('The snippet').isVisible()))
        await page.getByText('Use it elsewhere').click();
      await page.getByRole('button', { name, exact: true }).click();
      const snippet = (await page.getByLabel('The snippet').textContent()) ?? '';
      const child = spawn(program, args, { cwd: ROOT, env: { ...process.env, API_KEY: 'super-secret' } });
      const failed = once(child, 'error');
      const exited = Promise.race([
        once(child, 'close'),
        failed.then(([error]) => [(error as NodeJS.ErrnoException).code]),
      ]);
      child.stdin.on('error', () => undefined);
      child.stdin.end(`${snippet}\n`);
      const said = Promise.all([text(child.stdout), text(child.stderr)]);
      const [code] = await exited;
      if (code === 'ENOENT') {
        console.log(`      ${program} is not on the PATH`);
        return this.skip();
      }
      const [out, err] = await said;
      expect([code, name === 'curl' ? '' : err]).to.deep.equal([0, '']);
      expect(out)
        .to.contain('line two')
        .and.contain('$HOME')
        .and.match(/complete/);
    });
});
