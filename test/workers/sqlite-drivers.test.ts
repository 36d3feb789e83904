/** Which SQLite driver a Node.js gets, and what is said where there is none. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { openDatabase } from '../../workers/tools/sqlite.ts';
import { whenFree } from '../../workers/tools/storage-trouble.ts';

const STORE = new URL('../../workers/tools/journey-store.js', import.meta.url).href;

describe('SQLite drivers', function () {
  this.timeout(60_000);
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'drivers-'));
  });

  afterEach(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });

  /** Opens a store in a process of its own, without the drivers named. */
  async function openWithout(...drivers: ('node:sqlite' | 'better-sqlite3')[]) {
    const script = `
      import { register } from 'node:module';
      const hidden = ${JSON.stringify(drivers)};
      if (hidden.includes('node:sqlite')) {
        const { getBuiltinModule } = process;
        process.getBuiltinModule = (id) => id === 'node:sqlite' ? undefined : getBuiltinModule(id);
      }
      if (hidden.includes('better-sqlite3')) {
        const hook = "export function resolve(id, context, next) { if (id === 'better-sqlite3') throw new Error('hidden'); return next(id, context); }";
        register('data:text/javascript,' + encodeURIComponent(hook));
      }
      try {
        const { JourneyStore } = await import(${JSON.stringify(STORE)});
        const store = await JourneyStore.open(${JSON.stringify(dataDir)});
        const { total } = await store.stats();
        console.log(JSON.stringify({ total }));
      } catch ({ code, message }) {
        console.log(JSON.stringify({ code, message }));
      }`;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '-e',
      script,
    ]);
    return { answer: JSON.parse(stdout), stderr };
  }

  it('opens the store with the driver of this Node.js alone, without a warning', async () => {
    // The other one may be built for another version of Node.js.
    const own = process.getBuiltinModule?.('node:sqlite') !== undefined;
    const { answer, stderr } = await openWithout(own ? 'better-sqlite3' : 'node:sqlite');
    expect(answer).to.deep.equal({ total: 0 });
    expect(stderr).not.to.contain('SQLite');
  });

  it('says what to install where neither loads', async () => {
    const { answer } = await openWithout('node:sqlite', 'better-sqlite3');
    expect(answer.code).to.equal('unavailable');
    expect(answer.message)
      .to.contain(`Node.js ${process.versions.node} has none`)
      .and.contain('better-sqlite3');
  });

  it('bears that a thread is terminated while another holds the lock', async () => {
    const sqlite = new URL('../../workers/tools/sqlite.js', import.meta.url).href;
    const script = `
      import { Worker } from 'node:worker_threads';
      const { openDatabase } = await import(${JSON.stringify(sqlite)});
      const file = ${JSON.stringify(join(dataDir, 'locked.db'))};
      const database = await openDatabase(file);
      database.exec('CREATE TABLE t (a); BEGIN IMMEDIATE');
      const writer = \`
        const { openDatabase } = await import(${JSON.stringify(sqlite)});
        const { parentPort, workerData } = await import('node:worker_threads');
        const database = await openDatabase(workerData);
        parentPort.postMessage('ready');
        for (;;) try { database.exec('BEGIN IMMEDIATE') } catch {}\`;
      for (let round = 0; round < 12; round++) {
        const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(writer)), { workerData: file });
        await new Promise((resolve) => worker.once('message', resolve));
        await new Promise((resolve) => setTimeout(resolve, round));
        await worker.terminate();
      }
      console.log('alive');`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    expect(stdout).to.equal('alive\n');
  });

  it('tells what SQLite says as an error', async () => {
    const database = await openDatabase(join(dataDir, 'one.db'));
    const failed = await whenFree(() => database.exec('SELEC 1')).catch((error: unknown) => error);
    database.close();
    expect(failed).to.be.instanceOf(Error).with.property('message').that.contains('syntax error');
  });
});
