/** The lists of `journeys_tool`: order, filters, words and pages. */
import { expect } from 'chai';
import type { Journey } from '../../workers/tools/journey.ts';
import type { DirectJourneys } from './direct-journeys.ts';
import { overStores } from './over-stores.ts';

overStores('journeys_tool list', (open) => {
  let journeys: DirectJourneys;

  beforeEach(async () => {
    journeys = await open();
  });

  afterEach(() => journeys.close());

  it('reports that it loads, streams a journey a chunk, and returns nothing of its own', async () => {
    await journeys.create({ name: 'one' });
    await journeys.create({ name: 'two' });
    const { progress, chunks, result, meta } = await journeys.call({ action: 'list' });
    expect(progress[0]).to.deep.equal([1, 3, 'Loading data...']);
    expect(progress.at(-1)).to.deep.equal([3, 3, '2 journeys']);
    expect(chunks.map((chunk) => (chunk as Journey).name)).to.deep.equal(['one', 'two']);
    expect(result).to.equal(undefined);
    expect(meta).to.deep.equal({});
  });

  it('leaves out damaged rows, counts them, tells the log once, and goes on behind them', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await journeys.create({ name });
    await journeys.damage('b', "tags = '[broken'");
    await journeys.damage('c', `steps = '[{"name":7}]'`);
    await journeys.damage('e', "status = 'lost'");
    const logged: string[] = [];
    const { warn } = console;
    console.warn = (text: string) => logged.push(text);
    try {
      for (const sort of ['createdAt', '-createdAt', 'name', 'updatedAt']) {
        const { chunks, meta, progress } = await journeys.call({ action: 'list', sort });
        expect(chunks.map((chunk) => (chunk as Journey).name)).to.have.members(['a', 'd', 'f']);
        expect(meta).to.deep.equal({ damaged: 3 });
        expect(progress.at(-1)).to.deep.equal([3, 3, '3 journeys, 3 damaged and left out']);
      }
      const first = await journeys.call({ action: 'list', limit: 1 });
      expect(first.meta).to.deep.include({ damaged: 2 });
      const { nextCursor: cursor } = first.meta;
      const rest = await journeys.call({ action: 'list', limit: 2, cursor });
      expect(rest.chunks.map((chunk) => (chunk as Journey).name)).to.deep.equal(['d', 'f']);
      expect(rest.meta).to.deep.equal({ damaged: 1 });
    } finally {
      console.warn = warn;
    }
    expect(logged).to.have.length(3);
    expect(logged[0]).to.match(/^journey [0-9a-f-]{36} is damaged/);
  });

  it('gives a damaged journey to nobody, and lets it be deleted', async () => {
    const { id } = await journeys.create({ name: 'a' });
    await journeys.damage('a', "steps = ''");
    for (const action of ['get', 'update']) {
      const error = await journeys.refusal({ action, id, name: 'b' });
      expect(error).to.include({ code: 'unavailable', retryable: false });
      expect(error.message).to.contain('is damaged');
    }
    expect((await journeys.call({ action: 'delete', id })).result).to.deep.equal({ id, deleted: true });
  });

  it('is empty where there is nothing', async () => {
    expect(await journeys.names({})).to.deep.equal([]);
  });

  it('sorts both ways by creation, change and name', async () => {
    const b = await journeys.create({ name: 'b' });
    await journeys.create({ name: 'C' });
    await journeys.create({ name: 'a' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    await journeys.call({ action: 'update', id: b.id, status: 'active' });
    expect(await journeys.names({ sort: 'createdAt' })).to.deep.equal(['b', 'C', 'a']);
    expect(await journeys.names({ sort: '-createdAt' })).to.deep.equal(['a', 'C', 'b']);
    expect(await journeys.names({ sort: 'name' })).to.deep.equal(['a', 'b', 'C']);
    expect(await journeys.names({ sort: '-name' })).to.deep.equal(['C', 'b', 'a']);
    expect((await journeys.names({ sort: 'updatedAt' })).at(-1)).to.equal('b');
    expect((await journeys.names({ sort: '-updatedAt' }))[0]).to.equal('b');
  });

  it('filters by status, tag and words together', async () => {
    await journeys.create({ name: 'Alps on foot', tags: ['walk'], status: 'active' });
    await journeys.create({ name: 'Alps by train', tags: ['rail'], status: 'active' });
    await journeys.create({ name: 'Sea', description: 'not the alps', tags: ['walk'], status: 'draft' });
    expect(await journeys.names({ status: 'active' })).to.deep.equal(['Alps on foot', 'Alps by train']);
    expect(await journeys.names({ tag: 'walk' })).to.deep.equal(['Alps on foot', 'Sea']);
    expect(await journeys.names({ query: 'alps' })).to.deep.equal(['Alps on foot', 'Alps by train', 'Sea']);
    expect(await journeys.names({ query: 'alps', tag: 'walk', status: 'draft' })).to.deep.equal(['Sea']);
    for (const sort of ['name', '-name', 'updatedAt', '-createdAt']) {
      expect(await journeys.names({ query: 'alps', status: 'active', sort })).to.have.members([
        'Alps on foot',
        'Alps by train',
      ]);
    }
  });

  it('finds words in name, description and tags, by their beginning, whatever their case and accents', async () => {
    await journeys.create({ name: 'Überfahrt', description: 'a long crossing', tags: ['sea-side'] });
    for (const query of ['überfahrt', 'UBERF', 'cross', 'long a', 'side', 'sea-side', ' crossing\n']) {
      expect(await journeys.names({ query }), query).to.deep.equal(['Überfahrt']);
    }
    for (const query of ['ssing', 'crossing nowhere', '!!!'])
      expect(await journeys.names({ query }), query).to.deep.equal([]);
    expect(await journeys.names({ query: ' ' })).to.deep.equal(['Überfahrt']);
  });

  const SYNTAX = [
    '"',
    '""',
    'a"b',
    'NEAR(a b)',
    'name:x',
    'a OR',
    'AND',
    '(',
    '*',
    'a*',
    '^a',
    '-a',
    '{name}:a',
    "'; --",
    'a\\',
    '\u0001',
  ];
  for (const query of SYNTAX) {
    it(`takes the query ${JSON.stringify(query)} as plain words`, async () => {
      await journeys.create({ name: `x ${query} y` });
      await journeys.create({ name: 'other' });
      expect(await journeys.names({ query }))
        .to.be.an('array')
        .that.does.not.include('other');
    });
  }

  it('takes a query of a thousand characters, and refuses a longer one', async () => {
    await journeys.create({ name: 'a b' });
    expect(await journeys.names({ query: 'a b '.repeat(250) })).to.deep.equal(['a b']);
    expect((await journeys.issues({ action: 'list', query: 'a b '.repeat(251) }))[0]?.path).to.equal('query');
  });

  for (const sort of ['createdAt', '-createdAt', 'updatedAt', '-updatedAt', 'name', '-name']) {
    it(`pages through sort ${sort} without a gap or a repeat`, async () => {
      const given = Array.from({ length: 25 }, (_, n) => ({ name: `same ${n % 3}`, tags: ['t'] }));
      await journeys.call({ action: 'import', journeys: given });
      for (const filter of [{}, { query: 'same' }, { tag: 't', status: 'draft' }]) {
        const whole = (await journeys.call({ action: 'list', sort, ...filter })).chunks;
        const paged: unknown[] = [];
        let pages = 0;
        let cursor: unknown;
        do {
          const page = await journeys.call({
            action: 'list',
            sort,
            ...filter,
            limit: 10,
            ...(cursor ? { cursor } : {}),
          });
          paged.push(...page.chunks);
          cursor = page.meta['nextCursor'];
          pages++;
        } while (cursor);
        expect(pages).to.equal(3);
        expect(paged).to.deep.equal(whole).and.have.length(25);
      }
    });
  }

  it('gives no next cursor when the limit is just enough', async () => {
    await journeys.call({ action: 'import', journeys: [{ name: 'a' }, { name: 'b' }] });
    expect((await journeys.call({ action: 'list', limit: 2 })).meta).to.deep.equal({});
    expect((await journeys.call({ action: 'list', limit: 1 })).meta).to.have.key('nextCursor');
  });

  it('refuses a bad limit and a cursor that is not its own', async () => {
    for (const limit of [0, -1, 1.5, '3']) {
      expect((await journeys.issues({ action: 'list', limit }))[0]?.path).to.equal('limit');
    }
    await journeys.call({ action: 'import', journeys: [{ name: 'a' }, { name: 'b' }] });
    const cursor = (await journeys.call({ action: 'list', limit: 1 })).meta['nextCursor'];
    expect((await journeys.issues({ action: 'list', sort: 'name', cursor }))[0]?.message).to.contain(
      'createdAt',
    );
    const forged = Buffer.from('[0,"x",{}]').toString('base64url');
    for (const bad of ['', 'x', '%', forged]) {
      expect((await journeys.issues({ action: 'list', cursor: bad }))[0]?.path, bad).to.equal('cursor');
    }
  });

  it('keeps the page small when journeys are large', async () => {
    const description = 'x'.repeat(600_000);
    for (let n = 0; n < 3; n++) await journeys.create({ name: `large ${n}`, description });
    expect(await journeys.names({})).to.deep.equal(['large 0', 'large 1', 'large 2']);
  });
});
