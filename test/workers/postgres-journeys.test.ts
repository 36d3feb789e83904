/** Journeys in PostgreSQL: several stores at once, its migrations, and what goes wrong. */
import { expect } from 'chai';
import { createGateway } from '../../lib/index.ts';
import { parseJourneyFields } from '../../workers/tools/journey.ts';
import { PostgresJourneys } from '../../workers/tools/postgres-journeys.ts';
import { missingPostgres, PostgresServer } from './postgres-server.ts';
import { refusalOf } from './refusal.ts';

const fields = (name: string) => parseJourneyFields({ name, tags: ['t'] });

describe('journeys in PostgreSQL', function () {
  this.timeout(60_000);
  let server: PostgresServer;
  const stores: PostgresJourneys[] = [];

  before(async function () {
    const reason = missingPostgres();
    if (reason !== undefined) {
      console.warn(`      skipped: ${reason}`);
      this.skip();
    }
    server = await PostgresServer.start();
  });

  beforeEach(() => server.empty());
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });
  after(() => server?.close());

  async function open(): Promise<PostgresJourneys> {
    const store = await PostgresJourneys.open(server.url);
    stores.push(store);
    return store;
  }

  it('are made once by stores that open a new database at the same time, and lose no write of theirs', async () => {
    const opened = await Promise.all(Array.from({ length: 6 }, open));
    const made = await Promise.all(
      opened.flatMap((store) => Array.from({ length: 20 }, (_, at) => store.create(fields(`${at}`)))),
    );
    const ids = new Set<string>();
    for await (const page of (await open()).pages({ sort: 'createdAt' }))
      for (const { id } of page) ids.add(id);
    expect(ids).to.deep.equal(new Set(made.map(({ id }) => id)));
    expect(await server.query('SELECT version FROM journeys_format')).to.deep.equal([{ version: 1 }]);
  });

  it('apply every update of those that change one journey at the same time', async () => {
    const opened = await Promise.all([open(), open(), open()]);
    const { id } = await (opened[0] as PostgresJourneys).create(fields('shared'));
    await Promise.all(
      opened.flatMap((store) =>
        Array.from({ length: 20 }, (_, at) => store.update(id, { description: `write ${at}` })),
      ),
    );
    expect(await (await open()).get(id)).to.include({ version: 61 });
  });

  it('are what the tool of a gateway keeps, given JOURNEYS_URL', async () => {
    const gateway = await createGateway({
      journeysUrl: server.url,
      builtIns: 'on',
      minWorkers: 1,
      maxWorkers: 1,
      port: 0,
      auth: false,
      logLevel: 'ERROR',
    });
    try {
      const { url } = await gateway.listen();
      const response = await fetch(`${url}/tools/journeys_tool`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ arguments: { action: 'create', name: 'Alps' } }),
      });
      const { data } = (await response.json()) as { data: { id: string } };
      expect(await server.query('SELECT id, name FROM journeys')).to.deep.equal([
        { id: data.id, name: 'Alps' },
      ]);
    } finally {
      await gateway.close({ drainMs: 0, graceMs: 100 });
    }
  });

  it('import all or none', async () => {
    const store = await open();
    const many = Array.from({ length: 250 }, (_, at) => fields(`${at}`));
    const seen: number[] = [];
    const stop = () => {
      throw new Error('stop');
    };
    await store
      .import(many, (written) => {
        seen.push(written);
        if (written === 200) stop();
      })
      .catch(() => undefined);
    expect(seen).to.deep.equal([100, 200]);
    expect(await store.stats()).to.include({ total: 0 });
    await store.import(many, () => undefined);
    expect(await store.stats()).to.deep.equal({ total: 250, byStatus: { draft: 250 }, byTag: { t: 250 } });
  });

  it('refuse tables of a newer release', async () => {
    await open();
    await server.query('UPDATE journeys_format SET version = 99');
    const error = await refusalOf(PostgresJourneys.open(server.url));
    expect(error).to.include({ code: 'unavailable', retryable: false });
    expect(error.message).to.contain('format 99');
  });

  it('are unavailable in words that name no address, and come back by themselves', async () => {
    const store = await open();
    const { id } = await store.create(fields('a'));
    await server.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mcp-streaming-gateway'`,
    );
    const got = await store.get(id).catch(() => store.get(id));
    expect(got.name).to.equal('a');
    const away = await refusalOf(PostgresJourneys.open('postgres://somebody:secret@127.0.0.1:9/none'));
    expect(away).to.include({ code: 'unavailable', retryable: true });
    expect(away.message).to.contain('does not answer').and.not.to.contain('secret');
    const nobody = await refusalOf(PostgresJourneys.open(server.url.replace('postgres@', 'nobody_there@')));
    expect(nobody).to.include({ code: 'unavailable', retryable: false });
    expect(nobody.message).to.contain('JOURNEYS_URL');
  });
});
