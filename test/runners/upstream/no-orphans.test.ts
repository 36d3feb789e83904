/** Whatever way a gateway ends, or one of its servers, no process of a server is left. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { UpstreamRunner } from '../../../lib/runners/upstream/upstream-runner.ts';
import { eventually } from '../../support/eventually.ts';
import { type GatewayProcess, KEY, runCommand, startGatewayProcess } from '../../support/gateway-process.ts';
import { MountFolder, scripted } from './scripted-server.ts';

/** Whether a process of the group is alive. */
function isAlive(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${group}/stat`, 'latin1'));
  } catch {
    return process.platform === 'linux';
  }
}

const gone = (group: number) => eventually(() => !isAlive(group), { what: `the end of group ${group}` });

describe('the processes of mounted servers', function () {
  this.timeout(60_000);
  const folder = new MountFolder();
  const stubborn = join(folder.path, 'stubborn.pid');
  const plain = join(folder.path, 'plain.pid');
  const pid = (file: string) => Number(readFileSync(file, 'utf8'));
  const started: GatewayProcess[] = [];
  before(() => {
    folder.write({
      stubborn: scripted({ env: { STUBBORN: '1', GRANDCHILD: '1', PID_FILE: stubborn } }),
      plain: scripted({ env: { PID_FILE: plain } }),
    });
  });
  after(async () => {
    for (const gateway of started) await gateway.end('SIGKILL');
    folder.remove();
  });

  /** A gateway, both servers of which run. */
  const start = async (): Promise<GatewayProcess> => {
    const env = { CANCEL_GRACE: '0.5', DRAIN_TIMEOUT: '0.5' };
    const gateway = await startGatewayProcess({ args: ['--config', folder.file], env });
    started.push(gateway);
    const call = async (tool: string) => {
      const headers = { 'X-API-Key': KEY, 'Content-Type': 'application/json' };
      const url = `${gateway.url}/tools/${tool}`;
      const response = await fetch(url, { method: 'POST', headers, body: '{}' });
      return response.ok;
    };
    await eventually(async () => (await call('stubborn__echo')) && (await call('plain__echo')));
    return gateway;
  };

  it('end with the gateway, stubborn ones and what they have started too', async () => {
    const gateway = await start();
    const groups = [pid(stubborn), pid(plain)];
    expect(groups.map(isAlive)).to.deep.equal([true, true]);
    expect(await gateway.end('SIGTERM')).to.equal(0);
    for (const group of groups) await gone(group);
  });

  for (const command of [['tools'], ['call', 'x__echo', '{}'], ['pin', 'x']])
    it(`end with the command "${command[0]}", told to stop while they start`, async () => {
      const file = join(folder.path, `${command[0]}.pid`);
      const mounted = new MountFolder().write({ x: scripted({ env: { HANGS: '1', PID_FILE: file } }) });
      const stop = new AbortController();
      const args = [...command, '--config', mounted.file, '--data-dir', mounted.path];
      const ended = runCommand(args, {}, stop.signal);
      await eventually(() => existsSync(file) && pid(file) > 0);
      const group = pid(file);
      expect(isAlive(group)).to.equal(true);
      stop.abort();
      expect((await ended).code).to.equal(1);
      await gone(group);
      mounted.remove();
    });

  it('end with a gateway that is told twice to stop', async () => {
    const gateway = await start();
    const groups = [pid(stubborn), pid(plain)];
    gateway.child.kill('SIGINT');
    expect(await gateway.end('SIGINT')).to.be.oneOf([0, 1]);
    for (const group of groups) await gone(group);
  });

  it('end behind a gateway that was killed, where they heed the end of their stdin', async () => {
    const gateway = await start();
    const [left, heeding] = [pid(stubborn), pid(plain)];
    await gateway.end('SIGKILL');
    await gone(heeding);
    // Nobody is left who could end this one.
    process.kill(-left, 'SIGKILL');
  });

  describe('of one runner', () => {
    let runner: UpstreamRunner;
    afterEach(() => runner.close(500));
    const call = (name: string) =>
      runner
        .call({
          name,
          arguments: {},
          caller: { keyId: 'k', transport: 'http' },
          streams: false,
          repeatBytes: 0,
          callId: name,
        })
        .outcome();

    it('leave nothing behind when one dies that has started another', async () => {
      const file = join(folder.path, 'dies.pid');
      const mounted = new MountFolder().write({ x: scripted({ env: { GRANDCHILD: '1', PID_FILE: file } }) });
      runner = mounted.runner();
      await runner.settled();
      const group = pid(file);
      await call('x__dies');
      await gone(group);
      mounted.remove();
    });

    it('end after a while without a call, where that is wanted, and start with the next', async () => {
      const file = join(folder.path, 'idle.pid');
      const mounted = new MountFolder().write({
        x: scripted({ env: { PID_FILE: file }, idleSeconds: 1 }),
      });
      runner = mounted.runner();
      await runner.settled();
      const group = pid(file);
      await gone(group);
      expect((await call('x__echo')).type).to.equal('result');
      expect(pid(file)).not.to.equal(group);
      mounted.remove();
    });

    it('are one for each session, where that is wanted', async () => {
      const file = join(folder.path, 'sessions.pid');
      const mounted = new MountFolder().write({
        x: scripted({ env: { PID_FILE: file }, isolation: 'session' }),
      });
      runner = mounted.runner();
      await runner.settled();
      const pids = new Set<number>();
      for (const session of ['a', 'b', 'a']) {
        const end = await runner
          .call({
            name: 'x__env',
            arguments: {},
            caller: { keyId: 'k', transport: 'mcp', session },
            streams: false,
            repeatBytes: 0,
            callId: session,
          })
          .outcome();
        expect(end.type).to.equal('result');
        pids.add(pid(file));
      }
      expect(pids.size).to.equal(2);
      const [first = 0, second = 0] = pids;
      runner.sessionEnded({ keyId: 'k', transport: 'mcp', session: 'a' });
      await gone(first);
      expect(isAlive(second)).to.equal(true);
      mounted.remove();
    });

    it('go on where their entry is the same when the file is read anew, and end where it is gone', async () => {
      const files = ['kept', 'gone'].map((name) => join(folder.path, `${name}.pid`));
      const entries = Object.fromEntries(
        files.map((PID_FILE, at) => [at === 0 ? 'kept' : 'gone', scripted({ env: { PID_FILE } })]),
      );
      const mounted = new MountFolder().write(entries);
      runner = mounted.runner();
      await runner.settled();
      const [kept = 0, other = 0] = files.map(pid);
      mounted.write({ kept: entries['kept'] ?? {} });
      await runner.reload(() => undefined);
      await gone(other);
      expect(isAlive(kept)).to.equal(true);
      expect(runner.catalog.tools.some(({ name }) => name.startsWith('gone__'))).to.equal(false);
      mounted.remove();
    });

    it('are not needed to know their tools, once those are known', async () => {
      const file = join(folder.path, 'lazy.pid');
      const mounted = new MountFolder().write({ x: scripted({ env: { PID_FILE: file } }) });
      runner = mounted.runner();
      await runner.settled();
      await runner.close(500);
      const before = pid(file);
      runner = mounted.runner();
      expect(runner.catalog.tools.map(({ name }) => name)).to.include('x__echo');
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(pid(file)).to.equal(before);
      mounted.remove();
    });
  });
});
