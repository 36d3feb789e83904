/** Who watches a gateway sees all of it, and can do it no harm. */
import { expect } from 'chai';
import type {
  CallRecord,
  Defect,
  GatewayObserver,
  ProgressRecord,
  StartedCall,
  UnitEvent,
} from '../lib/index.ts';
import { DelayedRunner } from './fixtures/delayed-runner.ts';
import { eventually } from './support/eventually.ts';
import { startGateway, type TestGateway } from './support/start-gateway.ts';
import { fixture } from './support/start-pool.ts';

const HOOKS = [
  'started',
  'ended',
  'progress',
  'log',
  'notice',
  'catalogChanged',
  'reloadWanted',
  'unit',
  'thread',
  'defect',
] as const;
const tools = [fixture('basic-tools'), fixture('faulty-tools'), fixture('mcp-tools')];

const LOGGED = { callId: null, tool: null, level: 'info', message: 'a line of a tool' } as const;

describe('gateway.observe()', () => {
  let gateway: TestGateway;
  afterEach(() => gateway.close());

  it('tells of calls, their progress, what tools log, and threads, until it is ended', async () => {
    const runner = new DelayedRunner({ tools: {} });
    gateway = await startGateway({ tools, minWorkers: 1, runners: [runner] });
    const started: StartedCall[] = [];
    const ended: CallRecord[] = [];
    const progress: ProgressRecord[] = [];
    const seen: string[] = [];
    const threads: UnitEvent[] = [];
    const { gateway: observed } = gateway;
    const end = observed.observe({
      started: (call) => started.push(call),
      ended: (record) => ended.push(record),
      progress: (record) => progress.push(record),
      log: ({ message }) => seen.push(`log ${message}`),
      notice: ({ type }) => seen.push(type),
      catalogChanged: () => seen.push('catalog'),
      thread: (event) => threads.push(event),
    });
    const call = observed.call('report', { n: 3, everyMs: 1 });
    await call.outcome();
    await observed.call('touch', { uri: 'a:b' }).outcome();
    runner.tell((to) => to.log?.(LOGGED));
    await observed.call('no_such_tool').outcome();
    await observed.reload();
    const names = ['report', 'touch', 'no_such_tool'];
    expect(started.map(({ name }) => name)).to.deep.equal(names);
    expect(ended.map(({ name, end: { type } }) => `${name} ${type}`)).to.deep.equal(
      names.map((name) => `${name} ${name === 'no_such_tool' ? 'error' : 'result'}`),
    );
    const caller = { keyId: 'local', transport: 'cli' };
    const { callId } = call;
    const nothing = { origin: undefined, rpc: undefined, trace: undefined };
    expect(started[0]).to.deep.equal({ callId, kind: 'tool', name: 'report', caller, ...nothing });
    expect(progress.length).to.be.at.least(1);
    expect(progress[0]).to.deep.include({ callId: call.callId, name: 'report', progress: 1 });
    expect(seen).to.include.members(['log a line of a tool', 'resource-updated', 'catalog']);
    expect(threads.map(({ kind }) => kind)).to.include('retired');
    end();
    const before = started.length;
    await observed.call('echo', { text: 'a' }).outcome();
    expect(started).to.have.length(before);
  });

  for (const how of ['throws', 'rejects'] as const)
    it(`harms nothing where an observer ${how} in every method, and counts it`, async () => {
      const runner = new DelayedRunner({
        tools: {
          async *delayed() {
            yield 1;
          },
        },
      });
      gateway = await startGateway({ tools, minWorkers: 1, runners: [runner] });
      const { gateway: observed } = gateway;
      const defects: Defect[] = [];
      const fail = () => {
        if (how === 'rejects') return Promise.reject(new Error('an observer fails'));
        throw new Error('an observer fails');
      };
      observed.observe(Object.fromEntries(HOOKS.map((hook) => [hook, fail])) as GatewayObserver);
      observed.observe({ defect: (defect) => defects.push(defect) });
      const ends = [];
      for (let round = 0; round < 2; round++) {
        ends.push(await observed.call('report', { n: 3, everyMs: 1 }).outcome());
        ends.push(await observed.call('touch', { uri: 'a:b' }).outcome());
        ends.push(await observed.call('delayed').outcome());
        await observed.reload();
        runner.tell((to) => to.reloadWanted?.());
        runner.tell((to) => to.log?.(LOGGED));
      }
      expect(ends.map(({ type }) => type)).to.deep.equal(Array(6).fill('result'));
      await eventually(() => Object.keys(observed.stats().observerFailures).length === HOOKS.length);
      const { observerFailures, tools: counted } = observed.stats();
      expect(observerFailures['started']).to.equal(6);
      expect(observerFailures['ended']).to.equal(6);
      expect(counted['report']).to.include({ calls: 2, inFlight: 0 });
      // Told once for each method but `defect` itself.
      expect(defects.map(({ during }) => during).sort()).to.deep.equal(
        HOOKS.filter((hook) => hook !== 'defect')
          .map((hook) => `an observer of "${hook}"`)
          .sort(),
      );
      expect(observed.stats().defects).to.equal(defects.length);
      expect(observed.stats()).to.have.nested.property('pool.kills', 0);
      const stats = await fetch(`${gateway.url}/stats`, { headers: { 'X-API-Key': 'super-secret' } });
      expect(await stats.json()).to.include({ defects: defects.length });
      expect((await fetch(`${gateway.url}/health`)).status).to.equal(200);
    });
});
