import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect } from 'chai';
import type { ToolError } from '../../../lib/call/tool-error.ts';
import { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../../support/eventually.ts';
import { call, fixture, startPool } from '../../support/start-pool.ts';

async function failureOf(modules: string[]): Promise<string> {
  try {
    const pool = await startPool({}, modules);
    await pool.close();
  } catch (error) {
    expect((error as ToolError).code).to.equal('unavailable');
    return (error as Error).message;
  }
  throw new Error('the pool started');
}

describe('starting and stopping a pool', () => {
  it('loads the tools on one thread first, and starts the others when that one has loaded them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'first-thread-'));
    const notes = join(folder, 'loads');
    const file = join(folder, 'noted.mjs');
    const note = `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(notes)}, 'x');`;
    writeFileSync(
      file,
      `${note} await new Promise((loaded) => setTimeout(loaded, 300)); throw new Error('no');`,
    );
    const noted = { toolModules: [pathToFileURL(file).href], dataDir: folder, logLevel: 'debug' } as const;
    const settings = { ...noted, maxResultBytes: 1024 };
    expect(await startPool({ minThreads: 3, settings }).catch((error: Error) => error.message)).to.match(
      /no; correct/,
    );
    expect(readFileSync(notes, 'utf8')).to.equal('x');
    rmSync(folder, { recursive: true });
    const pool = await startPool({ minThreads: 3 });
    await eventually(() => pool.stats().own.summary.workers.idle === 3);
    await pool.close();
  });

  it('names the module, the reason and the next step when a module cannot be loaded', async () => {
    expect(await failureOf(['broken/throws-at-load'])).to.match(
      /throws-at-load\.js failed while loading: this module cannot be loaded; correct the module/,
    );
    expect(await failureOf(['broken/misses-an-import'])).to.match(
      /misses-an-import\.js cannot be loaded: .*a-package-that-nobody-installed.*; install the package/,
    );
    expect(await failureOf(['broken/exports-nothing'])).to.match(
      /exports-nothing\.js exports no tool; export what/,
    );
    expect(await failureOf(['basic-tools', 'broken/takes-a-name'])).to.match(
      /the tool name "echo" is defined twice, in .*basic-tools\.js and in .*takes-a-name\.js; rename one/,
    );
    expect(await failureOf(['broken/wants-a-list'])).to.match(
      /tool "list_tool" in .* cannot be loaded: its input schema .*array/,
    );
    expect(await failureOf(['broken/exits-at-load'])).to.match(/ended its thread while loading/);
    expect(await failureOf(['broken/there-is-no-such-file'])).to.match(
      /there-is-no-such-file\.js cannot be loaded/,
    );
  });

  it('ends every call exactly once when it closes, the waiting ones included', async () => {
    const pool = await startPool({ minThreads: 1, maxThreads: 1 });
    const calls = [
      call(pool, 'wait_alone', { ms: 60_000 }),
      call(pool, 'sum', { n: 1 }),
      call(pool, 'echo', { text: '' }),
    ];
    const ends = calls.map((running) => running.outcome());
    await pool.close();
    for (const end of await Promise.all(ends))
      expect(end).to.have.nested.property('error.code', 'unavailable');
    expect(await call(pool, 'echo', { text: '' }).outcome()).to.have.nested.property(
      'error.code',
      'unavailable',
    );
  });

  it('leaves no port and no thread behind after a thousand calls', async () => {
    const ports = () => process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
    const before = ports();
    const pool = await startPool();
    for (let round = 0; round < 10; round++) {
      const calls = Array.from({ length: 100 }, (_, i) =>
        call(pool, i % 10 === 0 ? 'sum' : 'echo', { n: 1, text: 'a' }),
      );
      await Promise.all(calls.map((running) => running.outcome()));
    }
    await eventually(() =>
      pool.stats().own.details.workers.every(({ callsInFlight }) => callsInFlight === 0),
    );
    await pool.close();
    await eventually(() => ports() <= before);
  });

  describe('reload()', () => {
    let folder: string;
    let pool: WorkerPool;
    const tool = (answer: string) =>
      `import { defineTool } from ${JSON.stringify(new URL('../../../lib/tool/define-tool.js', import.meta.url).href)};
       export const versioned = defineTool({ name: 'versioned', description: 'v', isolation: 'shared', async run() { ${answer} } });`;
    const write = (answer: string) => writeFileSync(join(folder, 'versioned.mjs'), tool(answer));

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'reload-'));
      cpSync(fileURLToPath(fixture('basic-tools')), join(folder, 'copy.txt'));
      write('return 1;');
      pool = await startPool({
        settings: {
          toolModules: [fixture('basic-tools'), pathToFileURL(join(folder, 'versioned.mjs')).href],
          dataDir: folder,
          logLevel: 'debug',
          maxResultBytes: 1000,
        },
      });
    });
    afterEach(async () => {
      await pool.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it('lets running calls finish on the old threads and gives new ones the new code', async () => {
      const running = call(pool, 'wait', { ms: 500 });
      await running[Symbol.asyncIterator]().next();
      write('return 2;');
      await pool.reload(() => undefined);
      expect(await call(pool, 'versioned').outcome()).to.include({ data: '2' });
      expect(await running.outcome()).to.include({ type: 'result' });
    });

    it('goes on with the old threads when the new code does not load', async () => {
      write('return 3; } broken');
      const failure = await pool.reload(() => undefined).catch((error: Error) => error.message);
      expect(failure).to.match(/versioned\.mjs failed while loading/);
      expect(await call(pool, 'versioned').outcome()).to.include({ data: '1' });
    });
  });

  it('survives that threads are terminated while they load their modules', async () => {
    for (let round = 0; round < 8; round++) {
      const starting = startPool({ minThreads: 4, maxThreads: 4 });
      const pool = await starting;
      await new Promise((resolve) => setTimeout(resolve, round * 8));
      await pool.close();
    }
  });

  it('makes up for threads that end while they load, once they can load', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stillborn-'));
    const flag = join(folder, 'end');
    writeFileSync(
      join(folder, 'ends.mjs'),
      `import { existsSync } from 'node:fs';
       import { defineTool } from ${JSON.stringify(new URL('../../../lib/tool/define-tool.js', import.meta.url).href)};
       if (existsSync(${JSON.stringify(flag)})) process.exit(3);
       export const idle = defineTool({ name: 'idle', description: 'i', async run() {} });`,
    );
    const pool = await startPool({
      minThreads: 1,
      maxThreads: 3,
      queueWaitMs: 60_000,
      settings: {
        toolModules: [fixture('basic-tools'), pathToFileURL(join(folder, 'ends.mjs')).href],
        dataDir: folder,
        logLevel: 'debug',
        maxResultBytes: 1000,
      },
    });
    try {
      writeFileSync(flag, '');
      const ended: string[] = [];
      pool.listen({ unit: ({ kind }) => ended.push(kind) });
      const calls = Array.from({ length: 3 }, () => call(pool, 'wait_alone', { ms: 60_000 }));
      await eventually(() => ended.filter((kind) => kind === 'ended').length >= 4);
      rmSync(flag);
      const hasStarted = calls.map((running) => running[Symbol.asyncIterator]().next());
      // One thread is kept for shared calls.
      await Promise.all(hasStarted.slice(0, 2));
      await eventually(() => {
        const { busy, starting } = pool.stats().own.summary.workers;
        return busy === 2 && starting === 0;
      });
      expect(await call(pool, 'echo', { text: 'a' }).outcome()).to.include({ type: 'result' });
      for (const running of calls) running.cancel('cancelled');
    } finally {
      await pool.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('says at once that it is unavailable while no thread can start, and serves again when one can', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stillborn-'));
    const flag = join(folder, 'end');
    writeFileSync(
      join(folder, 'ends.mjs'),
      `import { existsSync } from 'node:fs';
       import { defineTool } from ${JSON.stringify(new URL('../../../lib/tool/define-tool.js', import.meta.url).href)};
       if (existsSync(${JSON.stringify(flag)})) process.exit(3);
       export const dies = defineTool({ name: 'dies', description: 'd', async run() { process.exit(4); } });`,
    );
    const pool = await startPool({
      minThreads: 1,
      maxThreads: 1,
      queueWaitMs: 60_000,
      settings: {
        toolModules: [fixture('basic-tools'), pathToFileURL(join(folder, 'ends.mjs')).href],
        dataDir: folder,
        logLevel: 'debug',
        maxResultBytes: 1000,
      },
    });
    try {
      writeFileSync(flag, '');
      const calls = [call(pool, 'dies'), call(pool, 'echo', { text: 'a' })];
      const ends = await Promise.all(calls.map((running) => running.outcome()));
      expect(ends[0]).to.have.nested.property('error.code', 'worker_crashed');
      expect(ends[1]).to.have.nested.property('error.code', 'unavailable');
      expect(await call(pool, 'echo', { text: 'a' }).outcome()).to.have.nested.property(
        'error.message',
        "no thread can start; the gateway's log has the reason",
      );
      rmSync(flag);
      await eventually(async () => (await call(pool, 'echo', { text: 'a' }).outcome()).type === 'result');
    } finally {
      await pool.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('refuses to start without a thread entry that exists', async () => {
    const start = WorkerPool.start({
      entry: 'file:///there/is/no/entry.js',
      settings: { toolModules: [], dataDir: tmpdir(), logLevel: 'error', maxResultBytes: 1000 },
      env: {},
      minThreads: 1,
      maxThreads: 1,
      callsPerThread: 1,
      heapMb: 64,
      queueLimit: 1,
      queueWaitMs: 1000,
      cancelGraceMs: 100,
    });
    expect(await start.catch((error: ToolError) => error.code)).to.equal('unavailable');
  });
});
