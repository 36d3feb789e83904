/** The journey store: one file under many threads and processes, and what is left of it when they die. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';
import { parseJourneyFields } from '../../workers/tools/journey.ts';
import { JourneyStore } from '../../workers/tools/journey-store.ts';
import { openDatabase } from '../../workers/tools/sqlite.ts';
import { expectIntact } from './intact.ts';
import { refusalOf } from './refusal.ts';

const WRITER = new URL('./journey-writer.js', import.meta.url);
const fields = (name: string, more: object = {}) => parseJourneyFields({ name, ...more });

describe('journey store', () => {
  let root: string;
  let dataDir: string;
  const stores: JourneyStore[] = [];

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'journeys-'));
    dataDir = root;
  });

  afterEach(() => {
    for (const store of stores.splice(0)) store.close();
    rmSync(root, { recursive: true, force: true });
  });

  async function open(folder = dataDir): Promise<JourneyStore> {
    const store = await JourneyStore.open(folder);
    stores.push(store);
    return store;
  }

  async function listedIds(store: JourneyStore): Promise<Set<string>> {
    const ids = new Set<string>();
    for await (const page of store.pages({ sort: 'createdAt' })) for (const { id } of page) ids.add(id);
    return ids;
  }

  const writerThread = (count: number, shared?: string) =>
    new Worker(WRITER, { workerData: { dataDir, count, shared } });
  const writerProcess = (count: number, shared = '') =>
    spawn(process.execPath, [WRITER.pathname, dataDir, String(count), shared], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });

  /** The ids that a writer told, once it has ended. */
  async function idsOf(writer: Worker | ChildProcess): Promise<{ ids: string[]; exit: unknown }> {
    const ids: string[] = [];
    let rest = '';
    if (writer instanceof Worker) writer.on('message', (id: string) => ids.push(id));
    else {
      writer.stdout?.on('data', (text) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        ids.push(...lines);
      });
    }
    const [exit] = await once(writer, writer instanceof Worker ? 'exit' : 'close');
    return { ids, exit };
  }

  it('is made once by threads and processes that open a new folder at the same time, and loses no write of theirs', async function () {
    this.timeout(60_000);
    dataDir = join(root, 'not', 'there', 'yet');
    const writers = [
      ...Array.from({ length: 8 }, () => writerThread(25)),
      ...Array.from({ length: 2 }, () => writerProcess(25)),
    ];
    const told = await Promise.all(writers.map(idsOf));
    expect(told.map(({ exit }) => exit)).to.deep.equal(Array(10).fill(0));
    const ids = told.flatMap((writer) => writer.ids);
    expect(ids).to.have.length(250);
    expect(await listedIds(await open())).to.deep.equal(new Set(ids));
    await expectIntact(dataDir);
  });

  it('applies every update of threads and processes that change one journey at the same time', async function () {
    this.timeout(60_000);
    const store = await open();
    const { id } = await store.create(fields('shared'));
    const writers = [writerThread(30, id), writerThread(30, id), writerThread(30, id), writerProcess(30, id)];
    const told = await Promise.all(writers.map(idsOf));
    expect(told.map(({ exit }) => exit)).to.deep.equal([0, 0, 0, 0]);
    expect(await store.get(id)).to.include({ version: 121, description: 'write 29' });
  });

  it('has every acknowledged journey after its writer was killed in the middle of writing', async function () {
    this.timeout(60_000);
    const acknowledged: string[] = [];
    for (let round = 0; round < 10; round++) {
      const writer = writerProcess(0);
      const told = idsOf(writer);
      let seen = 0;
      writer.stdout?.on('data', (text: Buffer) => {
        seen += text.length;
        // A different moment in each round; 37 bytes an id.
        if (seen > 37 * (5 + round * 7)) writer.kill('SIGKILL');
      });
      acknowledged.push(...(await told).ids);
    }
    expect(acknowledged.length).to.be.at.least(300);
    const kept = await listedIds(await open());
    expect(acknowledged.filter((id) => !kept.has(id))).to.deep.equal([]);
    // One write a round may have been done and not yet told.
    expect(kept.size - acknowledged.length).to.be.within(0, 10);
    await expectIntact(dataDir);
  });

  it('stays whole when threads are terminated in the middle of writing', async function () {
    this.timeout(60_000);
    const acknowledged: string[] = [];
    for (let round = 0; round < 5; round++) {
      const writers = [writerThread(0), writerThread(0), writerThread(0)];
      const told = writers.map(idsOf);
      for (const writer of writers) await once(writer, 'message');
      await Promise.all(writers.map((writer) => writer.terminate()));
      for (const { ids } of await Promise.all(told)) acknowledged.push(...ids);
    }
    const kept = await listedIds(await open());
    expect(acknowledged.filter((id) => !kept.has(id))).to.deep.equal([]);
    await expectIntact(dataDir);
  });

  it('shows what another connection wrote, at once', async () => {
    const [one, other] = [await open(), await open()];
    const { id } = await one.create(fields('seen'));
    expect(await other.get(id)).to.include({ id, name: 'seen' });
    await other.delete(id);
    expect((await refusalOf(one.get(id))).code).to.equal('not_found');
  });

  it('lets the log be folded into the file while a list is half read, and ends the list with what it began with', async () => {
    const store = await open();
    await store.import(
      Array.from({ length: 500 }, (_, n) => fields(`journey ${n}`)),
      () => {},
    );
    const pages = store.pages({ sort: 'createdAt' });
    const names = ((await pages.next()).value ?? []).map(({ journey }) => journey?.name);
    await store.create(fields('late'));
    const other = await openDatabase(join(dataDir, 'journeys.db'));
    expect(other.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()).to.deep.equal({
      busy: 0,
      log: 0,
      checkpointed: 0,
    });
    other.close();
    for await (const page of pages) names.push(...page.map(({ journey }) => journey?.name));
    expect(names).to.deep.equal(Array.from({ length: 500 }, (_, n) => `journey ${n}`));
  });

  it('ends a list sorted by change while every journey in it is changed again', async () => {
    const store = await open();
    for (let n = 0; n < 300; n++) await store.create(fields(`journey ${n}`));
    let count = 0;
    for await (const page of store.pages({ sort: 'updatedAt' })) {
      for (const { id } of page) await store.update(id, { status: 'active' });
      count += page.length;
      expect(count).to.be.at.most(300);
    }
    expect(count).to.be.above(0);
  });

  it('undoes an import that fails half way', async () => {
    const store = await open();
    const journeys = Array.from({ length: 250 }, (_, n) => fields(`journey ${n}`));
    const heard: number[] = [];
    const failed = store.import(journeys, (written) => {
      heard.push(written);
      if (written === 200) throw new Error('stop');
    });
    expect(await failed.catch((error: Error) => error.message)).to.equal('stop');
    expect(heard).to.deep.equal([100, 200]);
    expect(await store.stats()).to.deep.equal({ total: 0, byStatus: {}, byTag: {} });
    await store.create(fields('after'));
    expect(await store.stats()).to.deep.include({ total: 1 });
  });

  it('writes what is asked for at once together, and undoes alone what is refused', async () => {
    const store = await open();
    const { id } = await store.create(fields('one'));
    const outcomes = await Promise.allSettled([
      store.create(fields('two')),
      store.update(id, { name: 'never' }, 7),
      store.import([fields('three'), fields('four')], () => {}),
      store.import([fields('five')], () => {
        throw new Error('stop');
      }),
      store.update(id, { name: 'first' }, 1),
      store.update(id, { name: 'late' }, 1),
      store.delete('nobody'),
    ]);
    expect(outcomes.map(({ status }) => status === 'fulfilled')).to.deep.equal([
      true,
      false,
      true,
      false,
      true,
      false,
      false,
    ]);
    const names: (string | undefined)[] = [];
    for await (const page of store.pages({ sort: 'createdAt' }))
      names.push(...page.map(({ journey }) => journey?.name));
    expect(names).to.deep.equal(['first', 'two', 'three', 'four']);
    expect(await store.get(id)).to.include({ version: 2 });
  });

  it('waits for a lock that another connection holds, without blocking its thread', async () => {
    const store = await open();
    const other = await openDatabase(join(dataDir, 'journeys.db'));
    // SQLite waits by blocking its thread, so it is never let.
    expect(other.prepare('PRAGMA busy_timeout').get()).to.deep.equal({ timeout: 0 });
    other.exec('BEGIN IMMEDIATE');
    let written = false;
    const write = store.create(fields('patient')).then(() => {
      written = true;
    });
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(written).to.equal(false);
    other.exec('COMMIT');
    other.close();
    await write;
    expect(written).to.equal(true);
  });
});
