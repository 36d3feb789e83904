/** `journeys_tool`, action by action, run without a gateway; its lists have a file of their own. */
import { expect } from 'chai';
import type { Journey } from '../../workers/tools/journey.ts';
import { callDirectly } from './direct-call.ts';
import type { DirectJourneys } from './direct-journeys.ts';
import { overStores } from './over-stores.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

overStores('journeys_tool', (open) => {
  let journeys: DirectJourneys;

  beforeEach(async () => {
    journeys = await open();
  });

  afterEach(() => journeys.close());

  describe('create', () => {
    it('answers the whole journey, with the defaults filled in', async () => {
      const { result, chunks, listChanges } = await journeys.call({ action: 'create', name: 'New Journey' });
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
      expect((await journeys.call({ action: 'get', id: journey.id })).result).to.deep.equal(journey);
    });

    it('keeps what it was given, each tag once', async () => {
      const journey = await journeys.create({
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
      for (let n = 0; n < 50; n++) ids.push((await journeys.create({ name: `journey ${n}` })).id);
      expect(ids).to.deep.equal([...ids].sort());
    });

    it('says what is missing or wrong', async () => {
      expect(await journeys.issues({ action: 'create' })).to.deep.equal([
        { path: 'name', message: 'action "create" needs name', code: 'required' },
      ]);
      const wrong = await journeys.issues({
        action: 'create',
        name: 'x',
        status: 'lost',
        tags: 'a',
        steps: [{}],
      });
      expect(wrong.map(({ path }) => path)).to.deep.equal(['status', 'tags', 'steps.0.name']);
      expect((await journeys.issues({ action: 'fly' }))[0]?.path).to.equal('action');
      expect((await journeys.issues({}))[0]?.path).to.equal('action');
    });
  });

  describe('update', () => {
    it('changes only the fields given, and counts the version', async () => {
      const before = await journeys.create({ name: 'one', tags: ['a'], description: 'kept' });
      const { result, updated, listChanges } = await journeys.call({
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
      expect((await journeys.call({ action: 'get', id: before.id })).result).to.deep.equal(result);
    });

    it('moves the journey in every index', async () => {
      const { id } = await journeys.create({ name: 'winter trip', tags: ['cold'], status: 'draft' });
      await journeys.call({ action: 'update', id, name: 'summer trip', tags: ['warm'], status: 'active' });
      expect(await journeys.names({ query: 'winter' })).to.deep.equal([]);
      expect(await journeys.names({ query: 'summer' })).to.deep.equal(['summer trip']);
      expect(await journeys.names({ tag: 'cold' })).to.deep.equal([]);
      expect(await journeys.names({ tag: 'warm' })).to.deep.equal(['summer trip']);
      expect(await journeys.names({ status: 'draft' })).to.deep.equal([]);
    });

    it('refuses with a conflict when the version differs, and changes nothing', async () => {
      const { id } = await journeys.create({ name: 'one' });
      await journeys.call({ action: 'update', id, name: 'two', expectedVersion: 1 });
      const error = await journeys.refusal({ action: 'update', id, name: 'three', expectedVersion: 1 });
      expect(error).to.include({ code: 'conflict', status: 409 });
      expect(error.details).to.deep.equal({ id, expectedVersion: 1, version: 2 });
      expect((await journeys.call({ action: 'get', id })).result).to.include({ name: 'two', version: 2 });
    });

    it('needs an id and something to change', async () => {
      expect((await journeys.issues({ action: 'update' })).map(({ path }) => path)).to.deep.equal(['id', '']);
      expect((await journeys.refusal({ action: 'update', id: 'nobody', name: 'x' })).code).to.equal(
        'not_found',
      );
    });
  });

  describe('get and delete', () => {
    it('answer not_found for a journey that is not there, or no longer', async () => {
      const { id } = await journeys.create({ name: 'brief', tags: ['t'] });
      const deleted = await journeys.call({ action: 'delete', id });
      expect(deleted.result).to.deep.equal({ id, deleted: true });
      expect(deleted).to.deep.include({ updated: [`journey://${id}`], listChanges: 1 });
      for (const action of ['get', 'delete']) {
        const error = await journeys.refusal({ action, id });
        expect(error).to.include({ code: 'not_found', message: `journey ${id} does not exist` });
      }
      expect(await journeys.names({})).to.deep.equal([]);
      expect(await journeys.names({ query: 'brief' })).to.deep.equal([]);
      expect((await journeys.call({ action: 'stats' })).result).to.deep.equal({
        total: 0,
        byStatus: {},
        byTag: {},
      });
    });

    it('need an id', async () => {
      for (const action of ['get', 'delete'])
        expect((await journeys.issues({ action }))[0]?.path).to.equal('id');
    });
  });

  describe('import', () => {
    it('creates all, reporting every batch', async () => {
      const given = Array.from({ length: 250 }, (_, n) => ({ name: `journey ${n}` }));
      const { result, progress, listChanges } = await journeys.call({ action: 'import', journeys: given });
      expect(result).to.deep.equal({ imported: 250 });
      expect(progress.map(([value, total]) => [value, total])).to.deep.equal([
        [100, 250],
        [200, 250],
        [250, 250],
      ]);
      expect(listChanges).to.equal(1);
      expect(await journeys.names({})).to.deep.equal(given.map(({ name }) => name));
    });

    it('creates none when one is wrong, and says which', async () => {
      const wrong = await journeys.issues({
        action: 'import',
        journeys: [{ name: 'good' }, { name: '' }, {}],
      });
      expect(wrong.map(({ path }) => path)).to.deep.equal(['journeys.1.name', 'journeys.2.name']);
      expect(await journeys.names({})).to.deep.equal([]);
    });

    it('creates none when it is cancelled on the way', async () => {
      const given = Array.from({ length: 250 }, (_, n) => ({ name: `journey ${n}` }));
      const controller = new AbortController();
      const ended = callDirectly(
        journeys.tool,
        { action: 'import', journeys: given },
        controller.signal,
        (value) => {
          if (value === 100) controller.abort();
        },
      );
      expect(await ended.catch((error: Error) => error.name)).to.equal('AbortError');
      expect(await journeys.names({})).to.deep.equal([]);
    });

    it('takes an empty list, and needs one', async () => {
      expect((await journeys.call({ action: 'import', journeys: [] })).result).to.deep.equal({ imported: 0 });
      expect((await journeys.issues({ action: 'import' }))[0]?.path).to.equal('journeys');
    });
  });

  it('counts by status and by tag', async () => {
    await journeys.call({
      action: 'import',
      journeys: [
        { name: 'a', tags: ['x', 'y'] },
        { name: 'b', tags: ['x'], status: 'active' },
        { name: 'c', status: 'active' },
      ],
    });
    expect((await journeys.call({ action: 'stats' })).result).to.deep.equal({
      total: 3,
      byStatus: { active: 2, draft: 1 },
      byTag: { x: 2, y: 1 },
    });
  });
});
