/** Calls in child processes: what hits a process, and what must not reach beyond it. */
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { TerminalEvent, ToolEvent } from '../../../lib/call/call-events.ts';
import { ToolError } from '../../../lib/call/tool-error.ts';
import { ProcessRunner } from '../../../lib/runners/process/process-runner.ts';
import type { ToolLogRecord, ToolNotice, UnitEvent } from '../../../lib/runners/runner.ts';
import { eventually } from '../../support/eventually.ts';
import { call, eventsOf, startPool, testPool } from '../../support/start-pool.ts';
import { isAlive, pidsOf, startProcesses } from '../../support/start-processes.ts';

const codeOf = (end: TerminalEvent): string => (end.type === 'error' ? end.error.code : 'success');
const dataOf = (end: TerminalEvent): unknown =>
  end.type === 'result' ? JSON.parse(end.data ?? 'null') : end.error;
const itemsOf = (events: readonly ToolEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'chunks' ? event.items : []));

/** What the same call gives on a thread of this process. */
async function onThreads<T>(seenIn: (events: readonly ToolEvent[]) => T): Promise<T> {
  const pool = await startPool({}, ['process-tools']);
  const events = await eventsOf(call(pool, 'chatty', {}, { logLevel: 'debug' }));
  await pool.close();
  return seenIn(events);
}

describe('child processes', function () {
  this.timeout(60_000);
  let runner: ProcessRunner;
  afterEach(() => runner.close());

  describe('that a tool ends', () => {
    beforeEach(async () => {
      runner = await startProcesses({ maxThreads: 3 });
    });

    for (const how of ['segv', 'abort', 'kill']) {
      it(`end the call with what had arrived before (${how}), and the next one gets another`, async () => {
        const [pid] = pidsOf(runner);
        // Long enough for the chunks to leave the process also where that has to wait for a processor.
        const events = await eventsOf(call(runner, 'attack', { how, n: 3, pauseMs: 1500 }));
        expect(itemsOf(events)).to.deep.equal(['{"i":0}', '{"i":1}', '{"i":2}']);
        const ends = events.filter(({ type }) => type === 'error' || type === 'result');
        expect(ends).to.deep.equal([events.at(-1)]);
        expect(ends[0]).to.have.nested.property('error.code', 'worker_crashed');
        const next = dataOf(await call(runner, 'process_pid').outcome());
        expect(next).to.be.a('number').and.not.to.equal(pid);
      });
    }

    it('leave calls in other processes alone', async () => {
      const neighbour = call(runner, 'process_pid', { waitMs: 1500 });
      await neighbour[Symbol.asyncIterator]().next();
      const end = await call(runner, 'attack', { how: 'segv' }).outcome();
      expect(codeOf(end)).to.equal('worker_crashed');
      expect(codeOf(await neighbour.outcome())).to.equal('success');
    });

    it('stay when a tool exits, which ends its thread', async () => {
      const [pid] = pidsOf(runner);
      expect(codeOf(await call(runner, 'attack', { how: 'exit' }).outcome())).to.equal('worker_crashed');
      expect(dataOf(await call(runner, 'process_pid').outcome())).to.equal(pid);
    });

    it('end when what comes through their pipe is no frame', async () => {
      const units: UnitEvent[] = [];
      runner.listen({ unit: (event) => units.push(event) });
      expect(codeOf(await call(runner, 'attack', { how: 'garbage' }).outcome())).to.equal('worker_crashed');
      const killed = await eventually(() => units.find(({ kind }) => kind === 'killed'));
      expect(killed?.detail).to.match(/impossible frame/);
      expect(codeOf(await call(runner, 'echo', { text: 'a' }).outcome())).to.equal('success');
    });
  });

  it('end with what their tools have started, when a call does not stop', async () => {
    runner = await startProcesses({ maxThreads: 1, cancelGraceMs: 200 });
    const { pid: grandchild, parent } = dataOf(
      await call(runner, 'attack', { how: 'grandchild' }).outcome(),
    ) as {
      pid: number;
      parent: number;
    };
    expect([isAlive(grandchild), isAlive(parent)]).to.deep.equal([true, true]);
    const spinning = call(runner, 'attack', { how: 'spin' });
    await spinning[Symbol.asyncIterator]().next();
    spinning.cancel('deadline_exceeded');
    expect(codeOf(await spinning.outcome())).to.equal('deadline_exceeded');
    await eventually(() => !isAlive(grandchild) && !isAlive(parent), { what: 'the end of the group' });
    expect(codeOf(await call(runner, 'echo', { text: 'a' }).outcome())).to.equal('success');
  });

  it('end with what their tools have started, when one crashes', async () => {
    runner = await startProcesses({ maxThreads: 1 });
    const made = dataOf(await call(runner, 'attack', { how: 'grandchild' }).outcome()) as { pid: number };
    expect(isAlive(made.pid)).to.equal(true);
    expect(codeOf(await call(runner, 'attack', { how: 'segv' }).outcome())).to.equal('worker_crashed');
    await eventually(() => !isAlive(made.pid), { what: 'the end of the group' });
  });

  it('run again what had not begun when they ended, and nothing that had', async () => {
    runner = await startProcesses({ maxThreads: 1, callsPerThread: 16 });
    const folder = mkdtempSync(join(tmpdir(), 'gateway-test-'));
    const file = join(folder, 'lines');
    writeFileSync(file, '');
    const lines = Array.from({ length: 12 }, (_, n) => `line ${n}`);
    const tally = (line: string) => call(runner, 'tally', { file, line }, { streams: false }).outcome();
    const before = lines.slice(0, 4).map(tally);
    const attack = call(runner, 'attack_shared', { how: 'kill' }, { streams: false }).outcome();
    const after = lines.slice(4).map(tally);
    expect(codeOf(await attack)).to.equal('worker_crashed');
    const codes = (await Promise.all([...before, ...after])).map(codeOf);
    const written = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    rmSync(folder, { recursive: true });
    expect(new Set(codes)).to.satisfy((all: Set<string>) =>
      [...all].every((one) => /success|worker_cr/.test(one)),
    );
    expect(written).to.deep.equal([...new Set(written)]);
    for (const [n, code] of codes.entries()) if (code === 'success') expect(written).to.include(lines[n]);
    expect(codes.slice(4)).to.include('success');
  });

  it('carry large results, questions, progress and logs, each where it belongs', async () => {
    runner = await startProcesses();
    const size = 8 * 1024 * 1024 - 16;
    const end = await call(runner, 'large', { bytes: size }, { streams: false }).outcome();
    expect(String(dataOf(end)) === 'ä'.repeat(size / 2)).to.equal(true);

    const records: ToolLogRecord[] = [];
    const notices: ToolNotice[] = [];
    runner.listen({ log: (record) => records.push(record), notice: (notice) => notices.push(notice) });
    const events = await eventsOf(call(runner, 'chatty', {}, { logLevel: 'debug', callId: 'chatty-1' }));
    // Each kind in its order; a chunk that waits for its batch may be overtaken by what the tool logs after it.
    const seenIn = (all: readonly ToolEvent[]) => ({
      logs: all.flatMap((event) => (event.type === 'log' ? [event.message] : [])),
      chunks: all.flatMap((event) => (event.type === 'chunks' ? event.items : [])),
      others: all.flatMap(({ type }) => (type === 'log' || type === 'chunks' ? [] : [type])),
    });
    const seen = seenIn(events);
    expect(seen).to.deep.equal({
      logs: ['first', 'second', 'third'],
      chunks: ['1', '2'],
      others: ['started', 'progress', 'result'],
    });
    expect(seen).to.deep.equal(await onThreads(seenIn));
    expect(records.map(({ message, callId, tool }) => [message, callId, tool])).to.deep.equal(
      ['first', 'second', 'third'].map((message) => [message, 'chatty-1', 'chatty']),
    );
    expect(notices).to.deep.equal([{ type: 'resource-updated', uri: 'note://1' }]);

    const asking = call(runner, 'ask', {}, { abilities: { elicitForm: true } });
    for await (const event of asking) {
      if (event.type === 'ask')
        asking.answer(event.ask, { value: { action: 'accept', content: { colour: 'red' } } });
      if (event.type === 'result') expect(event.data).to.contain('"red"');
      expect(event.type).not.to.equal('error');
    }
    const refused = call(runner, 'ask', {}, { abilities: { elicitForm: true } });
    for await (const event of refused) {
      if (event.type === 'ask') refused.answer(event.ask, { error: new ToolError('conflict', 'no colour') });
      expect(event.type).not.to.equal('result');
    }
  });

  it('hold a tool whose reader waits, within memory that does not grow', async function () {
    this.timeout(120_000);
    runner = await startProcesses({ maxThreads: 1 });
    const [pid] = pidsOf(runner);
    const residentMib = () =>
      Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
    const reader = call(runner, 'flood', { bytes: 64 * 1024 })[Symbol.asyncIterator]();
    await reader.next();
    await reader.next();
    const yielded = async () => Number(dataOf(await call(runner, 'flood_count', {}).outcome()));
    let before = -1;
    const held = await eventually(async () => {
      const now = await yielded();
      await new Promise((resolve) => setTimeout(resolve, 50));
      const isHeld = now === before;
      before = now;
      return isHeld ? now : 0;
    });
    // Two windows of a mebibyte: the gateway's and the child's own.
    expect(held).to.be.below(64);
    const readOn = async () => {
      for (let read = 0; read < 2500; read++) await reader.next();
    };
    // So much garbage is let be at first.
    await readOn();
    const [childMib, mib] = [residentMib(), process.memoryUsage().rss / 2 ** 20];
    await readOn();
    // More garbage may be about at one moment; what is kept would grow by 150 MiB each time.
    await eventually(async () => {
      const grown = [residentMib() - childMib, process.memoryUsage().rss / 2 ** 20 - mib];
      if (Math.max(...grown) < 96) return true;
      await readOn();
      return false;
    });
    await reader.return?.();
  });

  it('are swapped by a reload, where what runs may end', async () => {
    runner = await startProcesses({ maxThreads: 2 });
    const [pid] = pidsOf(runner);
    const running = call(runner, 'process_pid', { waitMs: 1000 });
    await running[Symbol.asyncIterator]().next();
    await runner.reload?.(() => undefined);
    const next = dataOf(await call(runner, 'process_pid').outcome());
    expect(next).not.to.equal(pid);
    expect(dataOf(await running.outcome())).to.equal(pid);
    await eventually(() => !isAlive(pid ?? 0), { what: 'the end of the old process' });
  });

  it('are gone when the runner has closed, with all that they started', async () => {
    runner = await startProcesses({ minThreads: 2, maxThreads: 2 });
    const made = dataOf(await call(runner, 'attack', { how: 'grandchild' }).outcome()) as { pid: number };
    const pids = await eventually((): number[] | undefined => {
      const all = pidsOf(runner);
      return all.length === 2 ? all : undefined;
    });
    const spinning = call(runner, 'attack', { how: 'spin' });
    await spinning[Symbol.asyncIterator]().next();
    await runner.close();
    expect(codeOf(await spinning.outcome())).to.equal('unavailable');
    expect((pids ?? []).filter(isAlive)).to.deep.equal([]);
    // Killed as well, but nobody has waited for it.
    await eventually(() => !isAlive(made.pid), { what: 'the end of the group' });
  });

  it('let tools hear that the gateway closes', async () => {
    runner = await startProcesses({ cancelGraceMs: 20_000 });
    const folder = mkdtempSync(join(tmpdir(), 'gateway-test-'));
    const file = join(folder, 'left');
    const running = call(runner, 'leaves_word', { file });
    await running[Symbol.asyncIterator]().next();
    await runner.close();
    expect(readFileSync(file, 'utf8')).to.equal('aborted');
    rmSync(folder, { recursive: true });
  });

  it('see no more of the environment than threads do', async () => {
    process.env['API_KEY'] = 'not-for-tools';
    try {
      runner = await startProcesses({ env: { PATH: '/bin' } });
    } finally {
      delete process.env['API_KEY'];
    }
    const [pid] = pidsOf(runner);
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.to.contain('not-for-tools');
    expect(dataOf(await call(runner, 'environment').outcome())).to.deep.equal(['PATH']);
  });

  it('are started when a call comes, where none is kept, and go when there is none', async () => {
    const all = await startProcesses();
    const { catalog } = all;
    await all.close();
    runner = ProcessRunner.ofSome(
      testPool({ minThreads: 0, idleMs: 100 }, ['basic-tools', 'faulty-tools', 'process-tools']),
    );
    expect(runner.isDormant).to.equal(true);
    runner.propose(catalog).accept();
    expect([runner.isDormant, runner.health(), pidsOf(runner)]).to.deep.equal([false, 'ok', []]);
    const pid = Number(dataOf(await call(runner, 'process_pid').outcome()));
    expect(pidsOf(runner)).to.deep.equal([pid]);
    await eventually(() => pidsOf(runner).length === 0 && !isAlive(pid), { what: 'no child' });
    expect(runner.health()).to.equal('ok');
  });

  it('are not started again and again where they end at once: calls are told so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gateway-test-'));
    const module = join(folder, 'ends.mjs');
    writeFileSync(module, "process.kill(process.pid, 'SIGKILL');");
    const pool = testPool({ minThreads: 0, queueWaitMs: 60_000 }, []);
    const settings = { ...pool.settings, toolModules: [`file://${module}`] };
    runner = ProcessRunner.ofSome({ ...pool, settings });
    const units: UnitEvent[] = [];
    runner.listen({ unit: (event) => units.push(event) });
    const tool = { name: 'ends', description: 'x', inputSchema: {}, isolation: 'process' as const };
    runner.propose({ tools: [tool], resources: [], prompts: [] }).accept();
    const waiting = call(runner, 'ends');
    await eventually(() => runner.health() === 'down', { what: 'three starts in vain' });
    const end = await call(runner, 'ends').outcome();
    expect(codeOf(end)).to.equal('unavailable');
    expect(end)
      .to.have.nested.property('error.message')
      .that.matches(/end as soon as they start \(SIGKILL\)/);
    // The next start is a second later.
    expect(units.filter(({ kind }) => kind === 'crashed').length).to.be.within(3, 4);
    waiting.cancel('cancelled');
    rmSync(folder, { recursive: true });
  });

  for (const [what, begin] of Object.entries({
    'the executable is gone': () => {
      const { execPath } = process;
      process.execPath = '/nowhere/node';
      return () => {
        process.execPath = execPath;
      };
    },
    'no file descriptor is left': () => {
      const open: number[] = [];
      try {
        for (;;) open.push(openSync(process.execPath, 'r'));
      } catch {
        // Enough for what the child's marks are kept in, and not for its pipe.
        for (const fd of open.splice(-2)) closeSync(fd);
      }
      return () => open.splice(0).forEach((fd) => void closeSync(fd));
    },
  }))
    it(`that cannot be started (${what}) keep no call waiting, and are tried again`, async function () {
      if (process.platform === 'win32') this.skip();
      runner = ProcessRunner.ofSome(testPool({ minThreads: 0, queueWaitMs: 60_000 }, ['process-tools']));
      const tool = { name: 'process_pid', description: 'x', inputSchema: {}, isolation: 'process' as const };
      runner.propose({ tools: [tool], resources: [], prompts: [] }).accept();
      const end = begin();
      try {
        const waiting = [call(runner, 'process_pid'), call(runner, 'process_pid')];
        const ends = await Promise.all(waiting.map((one) => one.outcome()));
        for (const one of ends) {
          expect(codeOf(one)).to.equal('unavailable');
          expect(one)
            .to.have.nested.property('error.message')
            .that.matches(/no process can be started/);
        }
        expect(runner.health()).to.equal('down');
      } finally {
        end();
      }
      await eventually(async () => codeOf(await call(runner, 'process_pid').outcome()) === 'success');
      await eventually(() => runner.health() === 'ok');
    });

  it('fail the start with the reason where a module does not load', async () => {
    runner = await startProcesses();
    const failure = await startProcesses({}, ['broken/throws-at-load']).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(ToolError).and.to.have.property('code', 'unavailable');
    expect(failure)
      .to.have.property('message')
      .that.matches(/throws/);
  });

  it('lose the thread that takes more memory than their share, and no call that has not begun', async () => {
    // Half is for the one child.
    runner = await startProcesses({ maxThreads: 1, callsPerThread: 1000, memoryLimitBytes: 1024 ** 3 });
    const [pid] = pidsOf(runner);
    const hoarding = call(runner, 'hoard', { mib: 800, ms: 20_000 }).outcome();
    const others: Promise<TerminalEvent>[] = [];
    const timer = setInterval(() => others.push(call(runner, 'echo', { text: 'a' }).outcome()), 20);
    expect(codeOf(await hoarding)).to.equal('worker_out_of_memory');
    clearInterval(timer);
    const codes = (await Promise.all(others)).map(codeOf);
    // One that runs beside it when its thread ends goes with it; none is refused.
    expect([...new Set(codes)].filter((code) => !/success|out_of_memory/.test(code))).to.deep.equal([]);
    expect(dataOf(await call(runner, 'process_pid').outcome())).to.equal(pid);
  });

  it('refuse a call whose arguments cannot leave the process, and take the one beside it', async () => {
    runner = await startProcesses();
    const refused = call(runner, 'echo', { text: new SharedArrayBuffer(8) });
    const taken = call(runner, 'echo', { text: 'a' });
    const end = await refused.outcome();
    expect(codeOf(end)).to.equal('invalid_arguments');
    expect(end)
      .to.have.nested.property('error.message')
      .that.matches(/cannot be sent to another process/);
    expect(dataOf(await taken.outcome())).to.deep.equal({ text: 'a' });
    await eventually(() => runner.stats().callsInFlight === 0, { what: 'free places' });
  });

  it('show their processes and the threads inside', async () => {
    runner = await startProcesses();
    await eventually(() => runner.stats().own.details.workers[0]?.threads.length === 1, { what: 'a pong' });
    const [worker] = runner.stats().own.details.workers;
    expect(worker?.pid).to.be.a('number');
    expect(worker?.residentBytes).to.be.above(1024 * 1024);
    expect(worker?.threads[0]).to.include({ state: 'idle' });
  });
});
