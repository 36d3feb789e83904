/** The journey store when its file or its disk is no good: the caller is told what, and nothing is lost. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { JourneyStore } from '../../workers/tools/journey-store.ts';
import { openDatabase } from '../../workers/tools/sqlite.ts';
import { expectIntact } from './intact.ts';
import { refusalOf } from './refusal.ts';

describe('journey store in trouble', () => {
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'journeys-'));
  });

  afterEach(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('answers unavailable, without a path, when the data folder cannot be one', async () => {
    writeFileSync(join(dataDir, 'file'), '');
    const error = await refusalOf(JourneyStore.open(join(dataDir, 'file')));
    expect(error.code).to.equal('unavailable');
    expect(error.message)
      .to.match(/data folder is not accessible/)
      .and.not.contain(dataDir);
  });

  it('answers unavailable when the file is something else, and leaves it alone', async () => {
    writeFileSync(join(dataDir, 'journeys.db'), 'no database '.repeat(1000));
    expect(await refusalOf(JourneyStore.open(dataDir))).to.include({ code: 'unavailable' });
    writeFileSync(join(dataDir, 'journeys.db'), '');
    (await JourneyStore.open(dataDir)).close();
  });

  it('answers unavailable when a newer release has written the file', async () => {
    (await JourneyStore.open(dataDir)).close();
    const database = await openDatabase(join(dataDir, 'journeys.db'));
    database.exec('PRAGMA user_version = 99');
    database.close();
    const error = await refusalOf(JourneyStore.open(dataDir));
    expect(error.code).to.equal('unavailable');
    expect(error.message).to.contain('format 99');
  });

  it('answers unavailable when the disk takes no more, and keeps what it has', async function () {
    this.timeout(60_000);
    // A limit on the size of files stands for a full disk.
    const script = `
      const { JourneyStore } = await import(${JSON.stringify(new URL('../../workers/tools/journey-store.js', import.meta.url))});
      const store = await JourneyStore.open(${JSON.stringify(dataDir)});
      let n = 0;
      try {
        for (;; n++) await store.create({ name: 'n', description: 'x'.repeat(20000), status: 'draft', tags: [], steps: [] });
      } catch (error) {
        console.log(JSON.stringify({ n, code: error.code, message: error.message }));
      }`;
    const { stdout } = await promisify(execFile)('bash', [
      '-c',
      `ulimit -f 2000; "$0" --input-type=module -e "$1"`,
      process.execPath,
      script,
    ]);
    const failure = JSON.parse(stdout);
    expect(failure).to.include({ code: 'unavailable' });
    expect(failure.message).to.match(/^journeys cannot be/);
    const store = await JourneyStore.open(dataDir);
    const { total } = await store.stats();
    store.close();
    expect(total).to.equal(failure.n).and.be.above(10);
    await expectIntact(dataDir);
  });
});
