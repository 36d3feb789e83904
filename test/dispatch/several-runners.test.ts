/** Several runners behind one dispatcher: whose a call is, and what they are together. */
import { expect } from 'chai';
import type { Catalog } from '../../lib/call/catalog.ts';
import type { CallRequest } from '../../lib/call/running-call.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import { Dispatcher } from '../../lib/dispatch/dispatcher.ts';
import type { Runner, ToolLogRecord } from '../../lib/runners/runner.ts';
import { DelayedRunner, type DelayedTool } from '../fixtures/delayed-runner.ts';
import { memoryHistory } from '../support/memory-history.ts';

const tool: DelayedTool = async function* () {
  yield 1;
};
const resource = (name: string, uri: string): Catalog['resources'][number] => ({
  name,
  uri,
  isolation: 'shared',
  lists: false,
  completes: ['part'],
});
const prompt = (name: string): Catalog['prompts'][number] => ({ name, arguments: [], isolation: 'shared' });

describe('several runners', () => {
  const request = (name: string, more: Partial<CallRequest> = {}): CallRequest => ({
    name,
    arguments: {},
    caller: { keyId: 'a', transport: 'http' },
    streams: false,
    repeatBytes: 1000,
    ...more,
  });
  const dispatcherOf = (...runners: Runner[]) =>
    new Dispatcher({ runners, timeoutMs: 60_000, history: memoryHistory() });
  const refusalOf = (...runners: Runner[]): string => {
    try {
      dispatcherOf(...runners);
    } catch (error) {
      expect((error as ToolError).code).to.equal('unavailable');
      return (error as Error).message;
    }
    return 'none';
  };
  let first: DelayedRunner;
  let second: DelayedRunner;
  let dispatcher: Dispatcher;

  beforeEach(() => {
    first = new DelayedRunner({
      name: 'first',
      tools: { b_tool: tool, d_tool: tool },
      prompts: [prompt('ours')],
      resources: [resource('shelf', 'shelf://1')],
    });
    second = new DelayedRunner({
      name: 'second',
      tools: { a_tool: tool, c_tool: tool },
      prompts: [prompt('theirs'), prompt('shelf')],
      resources: [resource('box', 'box://1')],
      reloaded: () => ({ a_tool: tool, e_tool: tool }),
    });
    dispatcher = dispatcherOf(first, second);
  });

  const namesOf = (catalog: Catalog) => [
    catalog.tools.map(({ name }) => name).join(' '),
    catalog.resources.map(({ name }) => name).join(' '),
    catalog.prompts.map(({ name }) => name).join(' '),
  ];

  it('are one catalog, sorted by name; one runner alone is its own', () => {
    expect(namesOf(dispatcher.catalog)).to.deep.equal([
      'a_tool b_tool c_tool d_tool',
      'box shelf',
      'ours shelf theirs',
    ]);
    expect(dispatcher.catalog).to.equal(dispatcher.catalog);
    expect(dispatcherOf(first).catalog).to.equal(first.catalog);
  });

  it('each get the calls of what they have, completions by what they complete', async () => {
    const completes = (name: string, ref: string) =>
      request(name, { kind: 'completion', arguments: { ref, argument: 'part', value: '' } });
    const calls = [
      request('b_tool'),
      request('a_tool'),
      request('ours', { kind: 'prompt' }),
      request('theirs', { kind: 'prompt' }),
      request('shelf', { kind: 'resource' }),
      request('box', { kind: 'resource' }),
      completes('shelf', 'resource'),
      completes('shelf', 'prompt'),
      request('nobodys', { kind: 'prompt' }),
    ];
    await Promise.all(calls.map((asked) => dispatcher.call(asked).outcome()));
    const taken = (runner: DelayedRunner) => runner.taken.map(({ kind, name }) => `${kind} ${name}`);
    const ofFirst = ['tool b_tool', 'prompt ours', 'resource shelf', 'completion shelf', 'prompt nobodys'];
    expect(taken(first)).to.deep.equal(ofFirst);
    expect(taken(second)).to.deep.equal(['tool a_tool', 'prompt theirs', 'resource box', 'completion shelf']);
  });

  it('answer that they do not know yet where one does not, and not that there is no such tool', async () => {
    const silent = Object.assign(new DelayedRunner({ name: 'silent', tools: {} }), {
      catalogTrouble: new ToolError('unavailable', 'nobody has told yet') as ToolError | undefined,
    });
    const both = dispatcherOf(first, silent);
    const code = async (name: string) => {
      const end = await both.call(request(name)).outcome();
      return end.type === 'error' ? end.error.code : end.type;
    };
    expect([await code('b_tool'), await code('z_tool')]).to.deep.equal(['result', 'unavailable']);
    silent.catalogTrouble = undefined;
    expect(await code('z_tool')).to.equal('tool_not_found');
  });

  it('that offer the same are refused, both named', () => {
    const other = (offer: Partial<ConstructorParameters<typeof DelayedRunner>[0]>) =>
      new DelayedRunner({ name: 'other', tools: {}, ...offer });
    for (const [offered, what] of [
      [other({ tools: { d_tool: tool } }), 'tool "d_tool"'],
      [other({ prompts: [prompt('ours')] }), 'prompt "ours"'],
      [other({ resources: [resource('shelf', 'x://1')] }), 'resource "shelf"'],
      [other({ resources: [resource('new', 'shelf://1')] }), 'resource "shelf://1"'],
    ] as const)
      expect(refusalOf(first, offered)).to.equal(
        `the ${what} is offered by the runner "first" and by the runner "other"; rename one`,
      );
    expect(refusalOf(first, new DelayedRunner({ name: 'first', tools: {} }))).to.match(
      /two runners .*"first"/,
    );
    expect(refusalOf()).to.match(/needs a runner/);
  });

  it('load their tools anew, and their calls go where the new catalogs say', async () => {
    const changes: Catalog[] = [];
    dispatcher.observe({ catalogChanged: (catalog) => changes.push(catalog) });
    await dispatcher.reload();
    expect(namesOf(dispatcher.catalog)[0]).to.equal('a_tool b_tool d_tool e_tool');
    expect(changes.at(-1)).to.equal(dispatcher.catalog);
    await dispatcher.call(request('e_tool')).outcome();
    expect(second.taken).to.have.length(1);
    const gone = await dispatcher.call(request('c_tool')).outcome();
    expect(gone).to.have.nested.property('error.code', 'tool_not_found');
  });

  it('keep what they have where a reload would give two the same, and say so', async () => {
    const greedy = new DelayedRunner({
      name: 'greedy',
      tools: { f_tool: tool },
      reloaded: () => ({ b_tool: tool }),
    });
    dispatcher = dispatcherOf(greedy, first, second);
    const failure = await dispatcher.reload().catch((error: ToolError) => `${error.code}: ${error.message}`);
    expect(failure).to.match(/^unavailable: .*"b_tool".*"greedy".*"first"/);
    expect(namesOf(dispatcher.catalog)[0], 'the others were loaded anew').to.equal(
      'a_tool b_tool d_tool e_tool f_tool',
    );
    await dispatcher.call(request('f_tool')).outcome();
    expect(greedy.taken).to.have.length(1);
  });

  it('keep the catalog before where one that comes unasked would give two the same, and log it', async () => {
    const logged: ToolLogRecord[] = [];
    dispatcher.observe({ log: (record) => logged.push(record) });
    const before = dispatcher.catalog;
    second.become({ d_tool: tool });
    expect(dispatcher.catalog).to.equal(before);
    expect(logged).to.have.length(1);
    expect(logged[0]).to.include({ level: 'error' });
    expect(logged[0]?.message).to.match(/runner "second" is left out.*"d_tool"/);
    second.become({ g_tool: tool });
    expect(dispatcher.tool('g_tool')).to.include({ name: 'g_tool' });
  });

  it('are down together only when all are', () => {
    expect(dispatcher.health()).to.equal('ok');
    first.status = 'degraded';
    expect(dispatcher.health()).to.equal('degraded');
    first.status = 'down';
    expect(dispatcher.health()).to.equal('degraded');
    second.status = 'down';
    expect(dispatcher.health()).to.equal('down');
  });

  it('tell their figures by name, and are closed together, one that cannot be included', async () => {
    expect([...dispatcher.stats().keys()]).to.deep.equal(['first', 'second']);
    first.close = () => Promise.reject(new Error('it hangs'));
    expect(await dispatcher.close().catch((error: Error) => error.message)).to.equal('it hangs');
    expect(second.isClosed).to.equal(true);
  });

  it('that throw where they must not end their call internal, and nobody else’s', async () => {
    const defects: unknown[] = [];
    dispatcher.observe({ defect: ({ error }) => defects.push(error) });
    const thrown = new TypeError('not a function');
    first.call = () => {
      throw thrown;
    };
    const end = await dispatcher.call(request('b_tool')).outcome();
    expect(end).to.have.nested.property('error.code', 'internal');
    expect(defects).to.deep.equal([thrown]);
    expect(await dispatcher.call(request('a_tool')).outcome()).to.include({ type: 'result' });
    expect(dispatcher.callsInFlight).to.equal(0);
  });
});
