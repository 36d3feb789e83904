/** `journeys_tool`, action by action, run without a gateway. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ToolError } from '../../lib/protocol/tool-error.ts';
import type { ToolDefinition } from '../../lib/tool/define-tool.ts';
import type { Journey } from '../../workers/tools/journey.ts';
import { JourneyStore } from '../../workers/tools/journey-store.ts';
import { journeysToolOn } from '../../workers/tools/journeys.ts';
import { callDirectly } from './direct-call.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('journeys_tool', () => {
  let dataDir: string;
  let store: JourneyStore;
  let tool: ToolDefinition;

  beforeEach(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'journeys-'));
    store = await JourneyStore.open(dataDir);
    tool = journeysToolOn(async () => store) as unknown as ToolDefinition;
  });

  afterEach(() => {
    store.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const call = (input: object) => callDirectly(tool, input);
  const create = async (input: object) => (await call({ action: 'create', ...input })).result as Journey;
  const names = async (input: object) =>
    (await call({ action: 'list', ...input })).chunks.map((chunk) => (chunk as Journey).name);

  async function refusal(input: object): Promise<ToolError> {
    const thrown = await call(input).then(
      () => expect.fail('it was not refused'),
      (error: unknown) => error,
    );
    if (!ToolError.is(thrown)) throw thrown;
    return thrown;
  }

  async function issues(input: object): Promise<{ path: string; message: string; code: string }[]> {
    const error = await refusal(input);
    expect(error.code).to.equal('invalid_arguments');
    return (error.details as { issues: { path: string; message: string; code: string }[] }).issues;
  }

  describe('create', () => {
    it('answers the whole journey, with the defaults filled in', async () => {
      const { result, chunks, listChanges } = await call({ action: 'create', name: 'New Journey' });
      const journey = result as Journey;
      expect(chunks).to.deep.equal([]);
      expect(listChanges).to.equal(1);
      expect(journey).to.have.all.keys(
        'id',
        'name',
        'description',
        'status',
        'tags',
        'steps',
        'version',
        'createdAt',
        'updatedAt',
      );
      expect(journey).to.deep.include({
        name: 'New Journey',
        description: '',
        status: 'draft',
        tags: [],
        steps: [],
        version: 1,
      });
      expect(journey.id).to.match(UUID_V7);
      expect(journey.createdAt).to.match(ISO).and.equal(journey.updatedAt);
      expect((await call({ action: 'get', id: journey.id })).result).to.deep.equal(journey);
    });

    it('keeps what it was given, each tag once', async () => {
      const journey = await create({
        name: 'Alps',
        description: 'on foot',
        status: 'active',
        tags: ['walk', 'snow', 'walk'],
        steps: [{ name: 'pack' }, { name: 'go', description: 'early', done: true }],
      });
      expect(journey).to.deep.include({
        description: 'on foot',
        status: 'active',
        tags: ['walk', 'snow'],
        steps: [
          { name: 'pack', done: false },
          { name: 'go', description: 'early', done: true },
        ],
      });
    });

    it('gives ids that grow', async () => {
      const ids = [];
      for (let n = 0; n < 50; n++) ids.push((await create({ name: `journey ${n}` })).id);
      expect(ids).to.deep.equal([...ids].sort());
    });

    const HOSTILE = [
      'quotes \' " ` and \\ back',
      'Robert"); DROP TABLE journeys;--',
      '\u2028 \u2029 \ufeff \u200b',
      'a\nb\r\nc\td',
      '\u{1f9ed} \u{20000} e\u0301',
      '\u0001\u001f\u007f',
      '%s {{y}} `${',
      '<script>',
      '__proto__',
      'data: x\n\nevent: done',
    ];
    for (const text of HOSTILE) {
      it(`returns ${JSON.stringify(text)} unchanged`, async () => {
        const given = {
          name: text,
          description: text,
          tags: [text],
          steps: [{ name: text, description: text, done: false }],
        };
        const { id } = await create(given);
        expect((await call({ action: 'get', id })).result).to.deep.include(given);
        expect(await names({ tag: text })).to.deep.equal([text]);
        expect((await call({ action: 'stats' })).result).to.deep.include({ total: 1 });
      });
    }

    it('refuses texts that the store could not return unchanged', async () => {
      expect(await issues({ action: 'create', name: 'a\0b' })).to.deep.equal([
        { path: 'name', message: 'must not contain a NUL character', code: 'custom' },
      ]);
      const [issue] = await issues({ action: 'create', name: 'ok', tags: ['fine', 'half \ud83d'] });
      expect(issue?.path).to.equal('tags.1');
      expect(issue?.message).to.match(/lone surrogate/);
    });

    it('counts the characters of a name, not its UTF-16 units', async () => {
      expect((await create({ name: '\u{1f9ed}'.repeat(200) })).name).to.have.length(400);
      expect(await issues({ action: 'create', name: '\u{1f9ed}'.repeat(201) })).to.deep.equal([
        { path: 'name', message: 'must have at most 200 characters', code: 'custom' },
      ]);
      expect((await issues({ action: 'create', name: '' }))[0]?.path).to.equal('name');
    });

    it('says what is missing or wrong', async () => {
      expect(await issues({ action: 'create' })).to.deep.equal([
        { path: 'name', message: 'action "create" needs name', code: 'required' },
      ]);
      const wrong = await issues({ action: 'create', name: 'x', status: 'lost', tags: 'a', steps: [{}] });
      expect(wrong.map(({ path }) => path)).to.deep.equal(['status', 'tags', 'steps.0.name']);
      expect((await issues({ action: 'fly' }))[0]?.path).to.equal('action');
      expect((await issues({}))[0]?.path).to.equal('action');
    });
  });

  describe('update', () => {
    it('changes only the fields given, and counts the version', async () => {
      const before = await create({ name: 'one', tags: ['a'], description: 'kept' });
      const { result, updated, listChanges } = await call({
        action: 'update',
        id: before.id,
        name: 'two',
        tags: [],
      });
      expect(result).to.deep.equal({
        ...before,
        name: 'two',
        tags: [],
        version: 2,
        updatedAt: (result as Journey).updatedAt,
      });
      expect(updated).to.deep.equal([`journey://${before.id}`]);
      expect(listChanges).to.equal(0);
      expect((await call({ action: 'get', id: before.id })).result).to.deep.equal(result);
    });

    it('moves the journey in every index', async () => {
      const { id } = await create({ name: 'winter trip', tags: ['cold'], status: 'draft' });
      await call({ action: 'update', id, name: 'summer trip', tags: ['warm'], status: 'active' });
      expect(await names({ query: 'winter' })).to.deep.equal([]);
      expect(await names({ query: 'summer' })).to.deep.equal(['summer trip']);
      expect(await names({ tag: 'cold' })).to.deep.equal([]);
      expect(await names({ tag: 'warm' })).to.deep.equal(['summer trip']);
      expect(await names({ status: 'draft' })).to.deep.equal([]);
    });

    it('refuses with a conflict when the version differs, and changes nothing', async () => {
      const { id } = await create({ name: 'one' });
      await call({ action: 'update', id, name: 'two', expectedVersion: 1 });
      const error = await refusal({ action: 'update', id, name: 'three', expectedVersion: 1 });
      expect(error).to.include({ code: 'conflict', status: 409 });
      expect(error.details).to.deep.equal({ id, expectedVersion: 1, version: 2 });
      expect((await call({ action: 'get', id })).result).to.include({ name: 'two', version: 2 });
    });

    it('needs an id and something to change', async () => {
      expect((await issues({ action: 'update' })).map(({ path }) => path)).to.deep.equal(['id', '']);
      expect((await refusal({ action: 'update', id: 'nobody', name: 'x' })).code).to.equal('not_found');
    });
  });

  describe('get and delete', () => {
    it('answer not_found for a journey that is not there, or no longer', async () => {
      const { id } = await create({ name: 'brief', tags: ['t'] });
      const deleted = await call({ action: 'delete', id });
      expect(deleted.result).to.deep.equal({ id, deleted: true });
      expect(deleted).to.deep.include({ updated: [`journey://${id}`], listChanges: 1 });
      for (const action of ['get', 'delete']) {
        const error = await refusal({ action, id });
        expect(error).to.include({ code: 'not_found', message: `journey ${id} does not exist` });
      }
      expect(await names({})).to.deep.equal([]);
      expect(await names({ query: 'brief' })).to.deep.equal([]);
      expect((await call({ action: 'stats' })).result).to.deep.equal({ total: 0, byStatus: {}, byTag: {} });
    });

    it('need an id', async () => {
      for (const action of ['get', 'delete']) expect((await issues({ action }))[0]?.path).to.equal('id');
    });
  });

  describe('list', () => {
    it('reports that it loads, streams a journey a chunk, and returns nothing of its own', async () => {
      await create({ name: 'one' });
      await create({ name: 'two' });
      const { progress, chunks, result, meta } = await call({ action: 'list' });
      expect(progress[0]).to.deep.equal([1, 3, 'Loading data...']);
      expect(progress.at(-1)).to.deep.equal([3, 3, '2 journeys']);
      expect(chunks.map((chunk) => (chunk as Journey).name)).to.deep.equal(['one', 'two']);
      expect(result).to.equal(undefined);
      expect(meta).to.deep.equal({});
    });

    it('is empty where there is nothing', async () => {
      expect(await names({})).to.deep.equal([]);
    });

    it('sorts both ways by creation, change and name', async () => {
      const b = await create({ name: 'b' });
      await create({ name: 'C' });
      await create({ name: 'a' });
      await new Promise((resolve) => setTimeout(resolve, 5));
      await call({ action: 'update', id: b.id, status: 'active' });
      expect(await names({ sort: 'createdAt' })).to.deep.equal(['b', 'C', 'a']);
      expect(await names({ sort: '-createdAt' })).to.deep.equal(['a', 'C', 'b']);
      expect(await names({ sort: 'name' })).to.deep.equal(['a', 'b', 'C']);
      expect(await names({ sort: '-name' })).to.deep.equal(['C', 'b', 'a']);
      expect((await names({ sort: 'updatedAt' })).at(-1)).to.equal('b');
      expect((await names({ sort: '-updatedAt' }))[0]).to.equal('b');
    });

    it('filters by status, tag and words together', async () => {
      await create({ name: 'Alps on foot', tags: ['walk'], status: 'active' });
      await create({ name: 'Alps by train', tags: ['rail'], status: 'active' });
      await create({ name: 'Sea', description: 'not the alps', tags: ['walk'], status: 'draft' });
      expect(await names({ status: 'active' })).to.deep.equal(['Alps on foot', 'Alps by train']);
      expect(await names({ tag: 'walk' })).to.deep.equal(['Alps on foot', 'Sea']);
      expect(await names({ query: 'alps' })).to.deep.equal(['Alps on foot', 'Alps by train', 'Sea']);
      expect(await names({ query: 'alps', tag: 'walk', status: 'draft' })).to.deep.equal(['Sea']);
      for (const sort of ['name', '-name', 'updatedAt', '-createdAt']) {
        expect(await names({ query: 'alps', status: 'active', sort })).to.have.members([
          'Alps on foot',
          'Alps by train',
        ]);
      }
    });

    it('finds words in name, description and tags, by their beginning, whatever their case and accents', async () => {
      await create({ name: 'Überfahrt', description: 'a long crossing', tags: ['sea-side'] });
      for (const query of ['überfahrt', 'UBERF', 'cross', 'long a', 'side', 'sea-side', ' crossing\n']) {
        expect(await names({ query }), query).to.deep.equal(['Überfahrt']);
      }
      for (const query of ['ssing', 'crossing nowhere', '!!!'])
        expect(await names({ query }), query).to.deep.equal([]);
      expect(await names({ query: ' ' })).to.deep.equal(['Überfahrt']);
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
        await create({ name: `x ${query} y` });
        await create({ name: 'other' });
        expect(await names({ query }))
          .to.be.an('array')
          .that.does.not.include('other');
      });
    }

    it('takes a query of a thousand characters, and refuses a longer one', async () => {
      await create({ name: 'a b' });
      expect(await names({ query: 'a b '.repeat(250) })).to.deep.equal(['a b']);
      expect((await issues({ action: 'list', query: 'a b '.repeat(251) }))[0]?.path).to.equal('query');
    });

    for (const sort of ['createdAt', '-createdAt', 'updatedAt', '-updatedAt', 'name', '-name']) {
      it(`pages through sort ${sort} without a gap or a repeat`, async () => {
        const journeys = Array.from({ length: 25 }, (_, n) => ({ name: `same ${n % 3}`, tags: ['t'] }));
        await call({ action: 'import', journeys });
        for (const filter of [{}, { query: 'same' }, { tag: 't', status: 'draft' }]) {
          const whole = (await call({ action: 'list', sort, ...filter })).chunks;
          const paged: unknown[] = [];
          let pages = 0;
          let cursor: unknown;
          do {
            const page = await call({
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
      await call({ action: 'import', journeys: [{ name: 'a' }, { name: 'b' }] });
      expect((await call({ action: 'list', limit: 2 })).meta).to.deep.equal({});
      expect((await call({ action: 'list', limit: 1 })).meta).to.have.key('nextCursor');
    });

    it('refuses a bad limit and a cursor that is not its own', async () => {
      for (const limit of [0, -1, 1.5, '3']) {
        expect((await issues({ action: 'list', limit }))[0]?.path).to.equal('limit');
      }
      await call({ action: 'import', journeys: [{ name: 'a' }, { name: 'b' }] });
      const cursor = (await call({ action: 'list', limit: 1 })).meta['nextCursor'];
      expect((await issues({ action: 'list', sort: 'name', cursor }))[0]?.message).to.contain('createdAt');
      const forged = Buffer.from('[0,"x",{}]').toString('base64url');
      for (const bad of ['', 'x', '%', forged]) {
        expect((await issues({ action: 'list', cursor: bad }))[0]?.path, bad).to.equal('cursor');
      }
    });

    it('keeps the page small when journeys are large', async () => {
      const description = 'x'.repeat(600_000);
      for (let n = 0; n < 3; n++) await create({ name: `large ${n}`, description });
      expect(await names({})).to.deep.equal(['large 0', 'large 1', 'large 2']);
    });
  });

  describe('import', () => {
    it('creates all, reporting every batch', async () => {
      const journeys = Array.from({ length: 250 }, (_, n) => ({ name: `journey ${n}` }));
      const { result, progress, listChanges } = await call({ action: 'import', journeys });
      expect(result).to.deep.equal({ imported: 250 });
      expect(progress.map(([value, total]) => [value, total])).to.deep.equal([
        [100, 250],
        [200, 250],
        [250, 250],
      ]);
      expect(listChanges).to.equal(1);
      expect(await names({})).to.deep.equal(journeys.map(({ name }) => name));
    });

    it('creates none when one is wrong, and says which', async () => {
      const wrong = await issues({ action: 'import', journeys: [{ name: 'good' }, { name: '' }, {}] });
      expect(wrong.map(({ path }) => path)).to.deep.equal(['journeys.1.name', 'journeys.2.name']);
      expect(await names({})).to.deep.equal([]);
    });

    it('creates none when it is cancelled on the way', async () => {
      const journeys = Array.from({ length: 250 }, (_, n) => ({ name: `journey ${n}` }));
      const controller = new AbortController();
      const ended = callDirectly(tool, { action: 'import', journeys }, controller.signal, (value) => {
        if (value === 100) controller.abort();
      });
      expect(await ended.catch((error: Error) => error.name)).to.equal('AbortError');
      expect(await names({})).to.deep.equal([]);
    });

    it('takes an empty list, and needs one', async () => {
      expect((await call({ action: 'import', journeys: [] })).result).to.deep.equal({ imported: 0 });
      expect((await issues({ action: 'import' }))[0]?.path).to.equal('journeys');
    });
  });

  it('counts by status and by tag', async () => {
    await call({
      action: 'import',
      journeys: [
        { name: 'a', tags: ['x', 'y'] },
        { name: 'b', tags: ['x'], status: 'active' },
        { name: 'c', status: 'active' },
      ],
    });
    expect((await call({ action: 'stats' })).result).to.deep.equal({
      total: 3,
      byStatus: { active: 2, draft: 1 },
      byTag: { x: 2, y: 1 },
    });
  });
});
