/** What a key may not use is not there for it; what it starts is counted. */
import { expect } from 'chai';
import type { CallKind, Catalog } from '../../lib/call/catalog.ts';
import { Dispatcher } from '../../lib/dispatch/dispatcher.ts';
import type { KeyRules } from '../../lib/dispatch/key-policy.ts';
import { memoryHistory } from '../support/memory-history.ts';
import { type StillClock, stillClock } from '../support/still-clock.ts';
import { result, type Script, ScriptedRunner } from '../transports/scripted-runner.ts';

const quick: Script = async function* () {
  yield { type: 'started' };
  yield result(1);
};

describe('the policy of keys', () => {
  const rules = new Map<string, KeyRules>();
  const revoked = new Set<string>();
  let runner: ScriptedRunner;
  let dispatcher: Dispatcher;

  let clock: StillClock | undefined;
  afterEach(() => clock?.release());

  beforeEach(() => {
    rules.clear();
    revoked.clear();
    rules.set('limited', { tools: ['alpha*', 'note'], rate: 0 });
    rules.set('nothing', { tools: [], rate: 0 });
    rules.set('slow', { tools: undefined, rate: 1 });
    runner = new ScriptedRunner({ alpha: quick, alphabet: quick, beta: quick });
    const more = (name: string) => ({ name, isolation: 'shared' as const });
    const resources = ['note', 'secret'].map((name) => ({
      ...more(name),
      uri: `x:${name}`,
      lists: false,
      completes: [],
    }));
    const prompts = ['note', 'secret'].map((name) => ({ ...more(name), arguments: [] }));
    Object.assign(runner.catalog, { resources, prompts });
    const policy = {
      rulesOf: (keyId: string) => rules.get(keyId),
      isRevoked: (keyId: string) => revoked.has(keyId),
    };
    dispatcher = new Dispatcher({ runners: [runner], timeoutMs: 1000, history: memoryHistory(), policy });
  });

  const namesIn = ({ tools, resources, prompts }: Catalog) =>
    [tools, resources, prompts].map((list) => list.map(({ name }) => name).join(' '));

  const call = async (keyId: string, name: string, kind: CallKind = 'tool', more: object = {}) => {
    const caller = { keyId, transport: 'any' };
    const running = dispatcher.call({
      ...{ kind, name, caller, arguments: {}, streams: false, repeatBytes: 0, ...more },
    });
    const end = await running.outcome();
    return end.type === 'error' ? end.error : undefined;
  };

  it('shows each key what it may use, and the whole catalog itself to a key that may use all', () => {
    expect(namesIn(dispatcher.catalogOf('limited'))).to.deep.equal(['alpha alphabet', 'note', 'note']);
    expect(namesIn(dispatcher.catalogOf('nothing'))).to.deep.equal(['', '', '']);
    expect(dispatcher.catalogOf('slow')).to.equal(dispatcher.catalog);
    expect(dispatcher.catalogOf('of the code around')).to.equal(dispatcher.catalog);
    expect(dispatcher.tool('beta', 'limited')).to.equal(undefined);
    expect(dispatcher.tool('alpha', 'limited')).to.include({ name: 'alpha' });
  });

  it('makes what a key sees once, and anew when its patterns or the catalog change', () => {
    const before = dispatcher.catalogOf('limited');
    expect(dispatcher.catalogOf('limited')).to.equal(before);
    rules.set('limited', { tools: ['beta'], rate: 0 });
    expect(namesIn(dispatcher.catalogOf('limited'))[0]).to.equal('beta');
  });

  it('answers for a tool that the key may not use as for one that is not there', async () => {
    const hidden = await call('limited', 'beta');
    const absent = await call('limited', 'nope');
    expect(hidden).to.include({ code: 'tool_not_found' });
    expect(hidden?.message).to.equal(absent?.message.replace('"nope"', '"beta"'));
    expect(hidden?.message).to.include('alpha, alphabet');
    expect((await call('nothing', 'alpha'))?.message).to.include('the tools are: (none)');
    expect(runner.calls).to.have.length(0);
  });

  it('holds for resources, prompts and completions', async () => {
    for (const kind of ['resource', 'prompt', 'completion'] as const)
      expect(await call('limited', 'secret', kind), kind).to.include({ code: 'not_found' });
    expect(runner.calls).to.have.length(0);
  });

  it('refuses the calls of a key that was taken away, and ends those that run', async () => {
    const wait: Script = async function* () {
      yield { type: 'started' };
      await new Promise(() => {});
    };
    runner = new ScriptedRunner({ wait });
    const policy = { rulesOf: () => undefined, isRevoked: (keyId: string) => revoked.has(keyId) };
    dispatcher = new Dispatcher({ runners: [runner], timeoutMs: 60_000, history: memoryHistory(), policy });
    const running = call('gone', 'wait');
    const other = call('stays', 'wait');
    revoked.add('gone');
    dispatcher.cancelCallsOf(new Set(['gone']));
    expect(await running).to.include({ code: 'cancelled' });
    expect(await call('gone', 'wait')).to.include({ code: 'unauthenticated' });
    expect(dispatcher.callsInFlight).to.equal(1);
    dispatcher.cancelCallsOf(new Set(['stays']));
    await other;
  });

  it('counts the calls of a key, and neither what is not there nor what a list is made of', async () => {
    clock = stillClock();
    expect(dispatcher.quotasOf('limited', 'alpha')).to.deep.equal([]);
    expect(dispatcher.quotasOf('slow', 'alpha')[0]).to.include({ calls: 1, remaining: 1 });
    for (let n = 0; n < 3; n++) {
      expect(await call('slow', 'nope')).to.include({ code: 'tool_not_found' });
      await call('slow', 'note', 'resource', { isListing: true }).catch(() => undefined);
    }
    expect(dispatcher.quotasOf('slow', 'alpha')[0]).to.include({ remaining: 1 });
    expect(await call('slow', 'alpha')).to.equal(undefined);
    expect(dispatcher.quotasOf('slow', 'alpha')[0]).to.include({ remaining: 0 });
    expect(await call('slow', 'alpha')).to.include({ code: 'rate_limited' });
    expect(await call('slow', 'note', 'prompt')).to.include({ code: 'rate_limited' });
    expect(await call('limited', 'alpha')).to.equal(undefined);
  });
});
