/** What servers do wrong, and what their calls, and the calls of others, see of it. */
import { expect } from 'chai';
import type { TerminalEvent } from '../../../lib/call/call-events.ts';
import type { CallRequest, RunningCall } from '../../../lib/call/running-call.ts';
import type { UpstreamRunner } from '../../../lib/runners/upstream/upstream-runner.ts';
import { eventually } from '../../support/eventually.ts';
import { MountFolder, scripted } from './scripted-server.ts';

let calls = 0;

describe('mounted servers', () => {
  const folder = new MountFolder();
  let runner: UpstreamRunner;
  const logs: string[] = [];
  before(async () => {
    folder.write({
      one: scripted(),
      two: scripted({ prefix: 'second' }),
      hangs: scripted({ env: { HANGS: '1' }, startSeconds: 1 }),
      missing: { command: '/no/such/program' },
    });
    runner = folder.runner();
    runner.listen({ log: ({ message }) => logs.push(message) });
    await runner.settled();
  });
  after(async () => {
    await runner.close(500);
    folder.remove();
  });

  const call = (name: string, args: object = {}, more: Partial<CallRequest> = {}): RunningCall =>
    runner.call({
      name,
      arguments: args,
      caller: { keyId: 'test', transport: 'http' },
      streams: true,
      repeatBytes: 64 * 1024,
      callId: `broken-${++calls}`,
      ...more,
    });
  const end = (name: string, args: object = {}, more: Partial<CallRequest> = {}): Promise<TerminalEvent> =>
    call(name, args, more).outcome();
  const codeOf = (one: TerminalEvent): string => (one.type === 'error' ? one.error.code : 'success');
  const dataOf = (one: TerminalEvent): unknown =>
    one.type === 'result' ? JSON.parse(one.data ?? 'null') : one.error;

  it('have their tools under their name, or under the prefix that they were given', () => {
    const names = runner.catalog.tools.map(({ name }) => name);
    expect(names).to.include.members(['one__echo', 'second__echo']);
    expect(names.filter((name) => name.startsWith('two__'))).to.deep.equal([]);
  });

  it('answer with text, structured content, or an error with the text', async () => {
    expect(dataOf(await end('one__echo', { a: 1 }))).to.equal('{"a":1}');
    expect(dataOf(await end('one__structured'))).to.deep.equal({ n: 1 });
    const failed = await end('one__fails');
    expect(failed).to.have.nested.property('error.code', 'tool_failed');
    expect(failed).to.have.nested.property('error.message', 'no such city');
    expect(failed).to.have.property('relayed').that.contains('"isError":true');
    const refused = await end('one__refused');
    expect(refused).to.have.nested.property('error.code', 'invalid_arguments');
    expect(refused).to.have.nested.property('error.message', 'no such month');
  });

  it('have their results passed on as they were written', async () => {
    const exact = await end('one__exact');
    expect(exact).to.have.property('data', '{"b":1.0,"a":12345678901234567890,"2":0}');
    expect(exact)
      .to.have.property('relayed')
      .that.contains('"text":"\\u00e9"')
      .and.contains('"structuredContent":{"b":1.0');
  });

  it('have URIs mapped in links, and the rest left as it is', async () => {
    const linked = await end('one__link');
    expect(linked)
      .to.have.property('relayed')
      .that.contains('"uri":"one+test://one"')
      .and.contains('{"type":"image","data":"aGk=","mimeType":"image/png"}');
  });

  it('see nothing of the environment but what programs need and what they were given', async () => {
    process.env['UPSTREAM_TEST_SECRET'] = 'hidden';
    const folder = new MountFolder().write({ own: scripted({ env: { GIVEN: 'yes' } }) });
    const other = folder.runner();
    await other.settled();
    const request = { name: 'own__env', arguments: {}, caller: { keyId: 'k', transport: 'http' } };
    const seen = await other.call({ ...request, streams: false, repeatBytes: 0, callId: 'env' }).outcome();
    const env = JSON.parse(dataOf(seen) as string);
    expect(env).to.include({ GIVEN: 'yes' }).and.to.have.property('PATH');
    expect(env).not.to.have.property('UPSTREAM_TEST_SECRET');
    await other.close(500);
    folder.remove();
    delete process.env['UPSTREAM_TEST_SECRET'];
  });

  it('deliver 20 000 reports of 20 000, in order, before the result, to whoever wants every one', async () => {
    let last = 0;
    for await (const event of call('one__progress', { n: 20_000 }, { everyProgress: true })) {
      if (event.type === 'progress') expect(event.progress).to.equal(++last);
      if (event.type === 'result') expect(last).to.equal(20_000);
    }
    expect(last).to.equal(20_000);
  });

  it('have their reports thinned for others, who get the last one', async () => {
    const reports: number[] = [];
    for await (const event of call('one__progress', { n: 20_000 }))
      if (event.type === 'progress') reports.push(event.progress);
    expect(reports.length).to.be.below(1000);
    expect(reports.at(-1)).to.equal(20_000);
  });

  it('may write junk, wrong ids and second answers', async () => {
    expect(dataOf(await end('one__junk'))).to.equal('after junk');
    expect(dataOf(await end('one__wrong_id'))).to.equal('yours');
    expect(dataOf(await end('one__twice'))).to.equal('first');
    expect(dataOf(await end('one__echo'))).to.equal('{}');
    expect(logs.join('\n')).to.contain('what is no message of MCP').and.contain('not asked, or twice');
  });

  it('end the one call whose answer is too long, and no other', async () => {
    const others = [end('one__echo'), end('one__huge', { bytes: 3 * 1024 * 1024 }), end('one__echo')];
    const [first, huge, last] = await Promise.all(others);
    expect([first, huge, last].map((one) => codeOf(one as TerminalEvent))).to.deep.equal([
      'success',
      'result_too_large',
      'success',
    ]);
  });

  it('end a call whose result is none', async () => {
    expect(codeOf(await end('one__no_result'))).to.equal('tool_failed');
  });

  it('take along their own calls when they die, and are back for the next', async () => {
    const running = call('one__wait');
    const other = call('second__wait');
    await running[Symbol.asyncIterator]().next();
    const died = end('one__dies');
    expect(codeOf(await died)).to.equal('worker_crashed');
    expect(codeOf(await running.outcome())).to.equal('worker_crashed');
    expect(dataOf(await end('one__echo', { back: true }))).to.equal('{"back":true}');
    expect(dataOf(await end('second__echo'))).to.equal('{}');
    other.cancel('cancelled');
    expect(codeOf(await other.outcome())).to.equal('cancelled');
  });

  it('are closed where they write nothing but junk', async () => {
    expect(codeOf(await end('second__floods_junk'))).to.equal('worker_crashed');
    await eventually(async () => codeOf(await end('second__echo')) === 'success');
  });

  it('that cannot be started are told, and harm nobody', () => {
    expect(runner.health()).to.equal('degraded');
    const { upstreams } = runner.stats().own.details as {
      upstreams: Record<string, { isUp: boolean; reason: string }>;
    };
    expect(upstreams['missing']).to.have.property('isUp', false);
    expect(upstreams['missing']?.reason).to.contain('could not be started');
    expect(upstreams['hangs']?.reason).to.contain('did not answer initialize');
  });

  it('have resources, prompts and completions', async () => {
    const read = await end('one__test://one', { uri: 'one+test://one' }, { kind: 'resource' });
    expect(dataOf(read)).to.deep.equal({
      contents: [{ uri: 'one+test://one', text: 'text of test://one' }],
    });
    const prompt = await end('one__greet', { who: 'you' }, { kind: 'prompt' });
    expect(dataOf(prompt)).to.have.nested.property('messages[0].content.text', 'hello you');
    const completed = await end(
      'one__greet',
      { ref: 'prompt', argument: 'who', value: 'a', context: {} },
      { kind: 'completion' },
    );
    expect(dataOf(completed)).to.deep.equal({ values: ['a!'] });
  });

  it('are told apart where what they ask belongs to nobody', async () => {
    const [alone, abilities] = [{ elicitForm: true }, { elicitForm: true }];
    const asking = call('one__asks', {}, { abilities: alone });
    for await (const event of asking) {
      if (event.type === 'ask') asking.answer(event.ask, { value: { action: 'accept', content: { n: 1 } } });
      if (event.type === 'result') expect(event.data).to.contain('accept');
    }
    const waiting = call('one__wait');
    const refused = await end('one__asks', {}, { abilities });
    expect(dataOf(refused)).to.contain('nobody knows whose question');
    waiting.cancel('cancelled');
    expect(dataOf(await end('one__asks'))).to.contain('cannot be asked');
  });

  it('tell when their lists change, once', async () => {
    const changes: unknown[] = [];
    const stop = runner.listen({ catalogChanged: (catalog) => changes.push(catalog) });
    await end('one__changes');
    await eventually(() => changes.length > 0, { what: 'a new catalog' });
    const { description } = runner.catalog.tools.find(({ name }) => name === 'one__changes') ?? {};
    expect(description).to.equal('version 2');
    stop();
  });
});
