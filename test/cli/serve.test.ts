/** `serve`: the announcement, the signals, and every way in which a start fails. */

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { Programs, type RunningProgram } from './run-program.ts';

const KEY = { 'x-api-key': 'super-secret', 'content-type': 'application/json' };

/** The address that a started gateway announces. */
async function urlOf(program: RunningProgram): Promise<string> {
  const [, url = ''] = await program.said(/listens on (\S+)\n[\s\S]*curl .*\n\n/);
  return url;
}

describe('mcp-streaming-gateway serve', () => {
  let programs: Programs;
  beforeEach(() => {
    programs = new Programs();
  });
  afterEach(() => programs.stop());

  const writeTool = (name: string, text: string): string => {
    const path = join(programs.folder, name);
    writeFileSync(path, text);
    return path;
  };

  it('announces address, endpoints, the published key with a warning, and a curl line that works', async () => {
    const program = programs.start(['--port', '0']);
    const url = await urlOf(program);
    const [said] = await program.said(/[\s\S]*/);
    expect(said).to.contain('/tools/{name}/stream').and.to.contain('/health');
    expect(said).to.contain('super-secret').and.to.contain('set API_KEY');
    const [, body = ''] = said.match(/curl -N \S+ .* -d '(.*)'/) ?? [];
    const response = await fetch(`${url}/tools/primes_tool/stream`, { method: 'POST', headers: KEY, body });
    expect(response.status).to.equal(200);
    await response.body?.cancel();
    program.process.kill('SIGTERM');
    expect(await program.ended).to.include({ code: 0, stdout: '' });
  });

  it('does not print a key of your own', async () => {
    const program = programs.start(['--port', '0'], { env: { API_KEY: 'my-own-key' } });
    await urlOf(program);
    program.process.kill('SIGINT');
    const { code, stderr } = await program.ended;
    expect(code).to.equal(0);
    expect(stderr).to.contain('$API_KEY').and.not.to.contain('my-own-key');
  });

  it('lets a running call end after SIGTERM, refuses new ones, and exits with 0', async () => {
    const slow = writeTool(
      'slow.js',
      `import { existsSync } from 'node:fs';
       import { setTimeout as delay } from 'node:timers/promises';
       import { defineTool } from 'mcp-streaming-gateway';
       export const slow = defineTool({ name: 'slow', description: 'Waits.', async *run() {
         yield 'started';
         while (!existsSync('let-go')) await delay(20);
         return 'ended';
       } });`,
    );
    const program = programs.start(['--port', '0', '--tools', slow]);
    const url = await urlOf(program);
    const response = await fetch(`${url}/tools/slow/stream`, { method: 'POST', headers: KEY, body: '{}' });
    program.process.kill('SIGTERM');
    await program.said(/SIGTERM/);
    const refused = await fetch(`${url}/tools/slow`, { method: 'POST', headers: KEY, body: '{}' });
    expect(refused.status).to.equal(503);
    writeTool('let-go', '');
    expect(await response.text())
      .to.contain('"data":"ended"')
      .and.to.contain('{"status":"complete"}');
    expect((await program.ended).code).to.equal(0);
  });

  it('exits with 1 at once on a second signal', async () => {
    const program = programs.start(['--port', '0']);
    const url = await urlOf(program);
    const body = '{"arguments": {"to": 4000000000}}';
    const response = await fetch(`${url}/tools/primes_tool/stream`, { method: 'POST', headers: KEY, body });
    program.process.kill('SIGINT');
    await program.said(/SIGINT/);
    program.process.kill('SIGINT');
    expect((await program.ended).code).to.equal(1);
    await response.text().catch(() => 'cut off, as it must be');
  });

  it('goes on when the reader of its stderr leaves', async () => {
    const program = programs.start(['--port', '0']);
    const url = await urlOf(program);
    program.process.stderr.destroy();
    for (let n = 0; n < 3; n += 1) {
      const response = await fetch(`${url}/tools/primes_tool`, { method: 'POST', headers: KEY, body: '{}' });
      expect(response.status).to.equal(422);
    }
    program.process.kill('SIGTERM');
    expect((await program.ended).code).to.equal(0);
  });

  describe('that cannot start', () => {
    /** Expects exit code 1 and one line; gives the line. */
    async function failure(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
      const { code, stdout, stderr } = await programs.run(args, { env });
      expect(code, stderr).to.equal(1);
      expect(stdout).to.equal('');
      expect(stderr.trimEnd().split('\n'), stderr).to.have.length(1);
      return stderr;
    }

    it('says that the port is in use and how to choose another', async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => other.once('listening', resolve));
      const { port } = other.address() as { port: number };
      const line = await failure(['--port', String(port)]);
      other.close();
      expect(line)
        .to.match(new RegExp(`port ${port} on 127.0.0.1 is in use( by process ${process.pid} \\(.+\\))?;`))
        .and.to.contain(`--port ${port + 1}`);
    });

    it('says which tool path cannot be read', async () => {
      expect(await failure(['--port', '0', '--tools', './missing.js'])).to.contain('missing.js');
    });

    it('says which module throws when it loads', async () => {
      const path = writeTool('throws.js', `throw new Error('no licence found');`);
      expect(await failure(['--port', '0', '--tools', path]))
        .to.contain('throws.js')
        .and.to.contain('no licence found');
    });

    it('says which import a module cannot find', async () => {
      const path = writeTool('imports.js', `import 'a-package-that-is-not-there';`);
      expect(await failure(['--port', '0', '--tools', path]))
        .to.contain('imports.js')
        .and.to.contain('a-package-that-is-not-there');
    });

    it('says that the data folder is no folder', async () => {
      writeTool('a-file', '');
      const folder = join(programs.folder, 'a-file', 'data');
      expect(await failure(['--port', '0'], { DATA_DIR: folder }))
        .to.contain(folder)
        .and.to.contain('--data-dir');
    });

    it('adds the stack at LOG_LEVEL=DEBUG', async () => {
      const args = ['--port', '0', '--tools', './missing.js', '--log-level', 'DEBUG'];
      const { code, stderr } = await programs.run(args);
      expect(code).to.equal(1);
      expect(stderr).to.match(/^ +at /m);
    });
  });
});
