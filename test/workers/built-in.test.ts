/** The built-in tools on real threads, with their resources and their prompt. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { TerminalEvent } from '../../lib/call/call-events.ts';
import type { CallRequest } from '../../lib/call/running-call.ts';
import type { PoolOptions, WorkerPool } from '../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../support/eventually.ts';
import { call, eventsOf, startPool } from '../support/start-pool.ts';

const MODULE = new URL('../../workers/tools/index.js', import.meta.url).href;

describe('built-in tools on threads', function () {
  this.timeout(60_000);
  let dataDir: string;
  let pool: WorkerPool;

  const start = (options: Partial<PoolOptions> = {}) =>
    startPool({
      settings: { toolModules: [MODULE], dataDir, logLevel: 'debug', maxResultBytes: 8_000_000 },
      ...options,
    });

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'built-in-'));
  });

  afterEach(async () => {
    await pool.close();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const dataOf = (end: TerminalEvent) => {
    if (end.type === 'error') throw end.error;
    return JSON.parse(end.data ?? 'null');
  };
  const run = async (name: string, args: object, more: Partial<CallRequest> = {}) =>
    dataOf(await call(pool, name, args, more).outcome());

  it('are described with flat object schemas, annotations and their isolation', async () => {
    pool = await start();
    const [journeys, primes] = pool.catalog.tools;
    expect(journeys).to.include({ name: 'journeys_tool', isolation: 'shared' });
    expect(primes).to.include({ name: 'primes_tool', isolation: 'exclusive' });
    expect(journeys?.inputSchema)
      .to.include({ type: 'object' })
      .and.not.have.any.keys('oneOf', 'anyOf', 'allOf');
    expect(journeys?.inputSchema['required']).to.deep.equal(['action']);
    const properties = journeys?.inputSchema['properties'] as Record<string, Record<string, unknown>>;
    expect(properties['action']?.['enum']).to.deep.equal([
      'list',
      'get',
      'create',
      'update',
      'delete',
      'import',
      'stats',
    ]);
    expect(properties['name']).to.include({ minLength: 1, maxLength: 200 });
    expect(primes?.inputSchema['required']).to.deep.equal(['to']);
    expect(primes?.annotations).to.include({ readOnlyHint: true, idempotentHint: true });
  });

  it('show every thread the same journeys', async () => {
    pool = await start({ minThreads: 4, callsPerThread: 1 });
    await eventually(() => pool.stats().own.summary.workers.idle === 4);
    const made = await Promise.all(
      Array.from({ length: 40 }, (_, n) => run('journeys_tool', { action: 'create', name: `journey ${n}` })),
    );
    expect(pool.stats().own.details.workers.filter(({ completed }) => completed > 0)).to.have.length.above(1);
    const lists = await Promise.all(
      Array.from({ length: 4 }, () => run('journeys_tool', { action: 'list' })),
    );
    for (const list of lists)
      expect(list.map(({ id }: { id: string }) => id)).to.have.members(made.map(({ id }) => id));
  });

  it('go on with a new file when the data folder is deleted, and say so', async () => {
    pool = await start({ minThreads: 2, callsPerThread: 1 });
    await eventually(() => pool.stats().own.summary.workers.idle === 2);
    const create = (name: string) => run('journeys_tool', { action: 'create', name });
    await Promise.all([create('lost'), create('lost')]);
    const logged: string[] = [];
    pool.listen({ log: ({ level, message }) => logged.push(`${level}: ${message}`) });
    rmSync(dataDir, { recursive: true });
    const kept = await Promise.all([create('kept'), create('kept')]);
    const lists = await Promise.all([1, 2].map(() => run('journeys_tool', { action: 'list' })));
    for (const list of lists) {
      expect(list.map(({ id }: { id: string }) => id)).to.have.members(kept.map(({ id }) => id));
    }
    await eventually(() => logged.some((line) => /^warning: journeys.db .* was deleted/.test(line)));
  });

  it('open the store on the first call that needs it, and say so when there is no folder for it', async () => {
    pool = await start({
      settings: {
        toolModules: [MODULE],
        dataDir: '/dev/null/nowhere',
        logLevel: 'debug',
        maxResultBytes: 8_000_000,
      },
    });
    expect(await run('primes_tool', { to: 10 })).to.include({ count: 4 });
    const end = await call(pool, 'journeys_tool', { action: 'stats' }).outcome();
    expect(end).to.have.nested.property('error.code', 'unavailable');
    expect(end).to.have.nested.property('error.message').that.does.not.contain('/dev/null');
  });

  it('stop finding primes soon after the call was cancelled', async () => {
    pool = await start({ cancelGraceMs: 20_000 });
    const running = call(pool, 'primes_tool', { to: 2 ** 32 });
    let chunks = 0;
    let end: TerminalEvent | undefined;
    for await (const event of running) {
      if (event.type === 'chunks' && chunks++ === 0) running.cancel('cancelled');
      if (event.type === 'error' || event.type === 'result') end = event;
    }
    expect(end).to.have.nested.property('error.code', 'cancelled');
    const at = performance.now();
    while (pool.stats().own.summary.workers.busy > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    console.log(`        free after ${(performance.now() - at).toFixed(0)} ms`);
    expect(pool.stats().own.details.pool).to.include({ kills: 0, crashes: 0 });
  });

  it('report the first progress before the first journey, and the last before the result', async () => {
    pool = await start();
    await run('journeys_tool', { action: 'import', journeys: [{ name: 'a' }, { name: 'b' }] });
    const events = await eventsOf(call(pool, 'journeys_tool', { action: 'list' }));
    // How many chunks travel together is not told.
    const turns = events.filter(({ type }, at) => type !== events[at - 1]?.type);
    expect(turns.map(({ type }) => type)).to.deep.equal([
      'started',
      'progress',
      'chunks',
      'progress',
      'result',
    ]);
    expect(turns[1]).to.deep.include({ progress: 1, total: 3, message: 'Loading data...' });
    expect(turns[3]).to.deep.include({ progress: 3, total: 3 });
  });

  it('offer journeys as resources, and complete their ids', async () => {
    pool = await start();
    const made = await run('journeys_tool', { action: 'create', name: 'Alps', description: 'on foot' });
    expect(pool.catalog.resources).to.have.length(1);
    expect(pool.catalog.resources[0]).to.deep.include({
      name: 'journey',
      uriTemplate: 'journey://{id}',
      lists: true,
      completes: ['id'],
    });
    const uri = `journey://${made.id}`;
    const read = (id: string) =>
      call(pool, 'journey', { uri: `journey://${id}`, variables: { id } }, { kind: 'resource' }).outcome();
    const { contents } = dataOf(await read(made.id));
    expect(contents).to.have.length(1);
    expect(contents[0]).to.include({ uri, mimeType: 'application/json' });
    expect(JSON.parse(contents[0].text)).to.deep.equal(made);
    expect(await read('nobody')).to.have.nested.property('error.code', 'not_found');
    expect(await run('journey', { list: true }, { kind: 'resource' })).to.deep.equal({
      resources: [{ uri, name: 'Alps', description: 'on foot', mimeType: 'application/json' }],
    });
    const asked = { ref: 'resource', argument: 'id', value: made.id.slice(0, 9) };
    expect(await run('journey', asked, { kind: 'completion' })).to.deep.include({ values: [made.id] });
  });

  it('offer a prompt that plans a journey', async () => {
    pool = await start();
    expect(pool.catalog.prompts.map(({ name }) => name)).to.deep.equal(['plan_journey']);
    const { messages } = await run('plan_journey', { goal: 'cross the Alps' }, { kind: 'prompt' });
    expect(messages[0].content.text).to.contain('cross the Alps').and.contain('journeys_tool');
  });
});
