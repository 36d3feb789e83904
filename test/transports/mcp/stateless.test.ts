import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { type StartedMcp, startMcp } from './start-mcp.ts';
import { exchange, type Message, SECOND, SUPER, WireClient } from './wire-client.ts';

const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';
const FORM = { capabilities: { elicitation: {} } };
const ASKING = { name: 'test_input_required_result_elicitation', arguments: {} };
const ANSWER = { user_name: { action: 'accept', content: { name: 'Ada' } } };

describe('/mcp, stateless era', () => {
  let mcp: StartedMcp;
  let client: WireClient;
  before(async () => {
    mcp = await startMcp({ modules: ['basic-tools', 'mcp-tools', 'conformance'] });
    client = new WireClient(mcp.url);
  });
  after(() => mcp.close());
  afterEach(() => expect(mcp.endpoint.stats()).to.include({ sessions: 0, suspendedCalls: 0 }));

  it('answers a call as one document that says it is complete and who answers', async () => {
    const reply = await client.stateless(
      'tools/call',
      { name: 'echo', arguments: { text: 'a' } },
      { id: 'x' },
    ).done;
    expect(reply.headers['content-type']).to.equal('application/json');
    expect(reply.headers).not.to.have.property('mcp-session-id');
    expect(reply.last).to.deep.equal({
      jsonrpc: '2.0',
      id: 'x',
      result: {
        resultType: 'complete',
        content: [{ type: 'text', text: '{"text":"a"}' }],
        structuredContent: { text: 'a' },
        _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'gateway-under-test', version: '1.0.0' } },
      },
    });
  });

  it('streams progress to a call with a token, and ends with a result of the same form', async () => {
    const params = { name: 'report', arguments: { n: 2, everyMs: 10 } };
    const reply = await client.stateless('tools/call', params, { meta: { progressToken: 'p' } }).done;
    expect(reply.messages.map(({ params }) => params?.['progress'])).to.deep.equal([1, 2, undefined]);
    expect(reply.last?.result).to.include({ resultType: 'complete' });
  });

  it('sends partial results to a client that declares SEP-2998 and gives a token', async () => {
    const { messages } = await client.stateless(
      'tools/call',
      { name: 'sum', arguments: { n: 3 } },
      { capabilities: { partialResults: {} }, meta: { partialResultToken: 'q' } },
    ).done;
    const partials = messages.filter(({ method }) => method === 'notifications/tools/partial_result');
    expect(partials.flatMap(({ params }) => params?.['structuredContent']?.['items'])).to.deep.equal([
      1, 2, 3,
    ]);
    expect(partials.map(({ params }) => params?.['seq'])).to.deep.equal(partials.map((_, at) => at));
    expect(messages.at(-1)?.result?.['structuredContent']).to.deep.equal({ total: 6 });
  });

  it('cancels the call of a client that closes its response', async () => {
    const running = client.stateless('tools/call', { name: 'wait', arguments: { ms: 60_000 } });
    while (mcp.dispatcher.callsInFlight === 0) await new Promise(setImmediate);
    running.leave();
    while (mcp.dispatcher.callsInFlight > 0) await new Promise(setImmediate);
  });

  it('has no GET and no DELETE', async () => {
    for (const method of ['GET', 'DELETE']) {
      const reply = await exchange(mcp.url, method, { ...SUPER, 'mcp-protocol-version': '2026-07-28' }).done;
      expect([reply.status, reply.headers['allow']]).to.deep.equal([405, 'POST']);
    }
  });

  it('refuses headers that do not repeat the body', async () => {
    const refused = async (headers: Record<string, string>) => {
      const params = { name: 'test_header_argument', arguments: { region: 'eu' } };
      const { status, last } = await client.stateless('tools/call', params, { headers }).done;
      return [status, last?.error?.code];
    };
    const good = { 'mcp-param-region': 'eu' };
    expect(await refused(good)).to.deep.equal([200, undefined]);
    expect(await refused({ 'mcp-param-region': '=?base64?ZXU=?=' })).to.deep.equal([200, undefined]);
    expect(await refused({})).to.deep.equal([400, -32020]);
    expect(await refused({ 'mcp-param-region': '=?base64?ZX?=' })).to.deep.equal([400, -32020]);
    expect(await refused({ ...good, 'mcp-method': 'tools/list' })).to.deep.equal([400, -32020]);
    expect(await refused({ ...good, 'mcp-name': 'echo' })).to.deep.equal([400, -32020]);
  });

  it('refuses a version it does not serve, whichever era it looks like', async () => {
    const { status, last } = await client.call('tools/list', {}, 1, { 'mcp-protocol-version': '1999-01-01' })
      .done;
    expect([status, last?.error?.code]).to.deep.equal([400, -32022]);
    expect(last?.error?.data?.['supported']).to.include('2026-07-28');
  });

  it('tells a deadline as an isError result that may be tried again', async () => {
    const hasty = await startMcp({ timeoutMs: 500 });
    const wait = { name: 'wait', arguments: { ms: 60_000 } };
    const { last } = await new WireClient(hasty.url).stateless('tools/call', wait).done;
    await hasty.close();
    expect(last?.result).to.include({ isError: true });
    const error = last?.result?.['_meta']?.['io.github.mcp-streaming-gateway/error'];
    expect(error).to.include({ code: 'deadline_exceeded', retryable: true });
  });

  it('asks through input_required and takes the call up where it waits', async () => {
    const asked = (await client.stateless('tools/call', ASKING, FORM).done).last?.result;
    expect(asked).to.include({ resultType: 'input_required' });
    const retry = { ...ASKING, requestState: asked?.['requestState'], inputResponses: ANSWER };
    const { last } = await client.stateless('tools/call', retry, { ...FORM, id: 2 }).done;
    expect(last?.result?.['content']).to.deep.equal([{ type: 'text', text: 'Hello, Ada!' }]);
    const again = await client.stateless('tools/call', retry, { ...FORM, id: 3 }).done;
    expect(again.last?.error?.code, 'a state is used once').to.equal(-32602);
  });

  it('takes a state only from the key and for the request it was given for', async () => {
    const asked = (await client.stateless('tools/call', ASKING, FORM).done).last?.result;
    const retry = { ...ASKING, requestState: asked?.['requestState'], inputResponses: ANSWER };
    const thief = new WireClient(mcp.url, SECOND);
    expect((await thief.stateless('tools/call', retry, FORM).done).last?.error?.code).to.equal(-32602);
    const other = { ...retry, arguments: { more: true } };
    expect((await client.stateless('tools/call', other, FORM).done).last?.error?.code).to.equal(-32602);
    const { last } = await client.stateless('tools/call', retry, FORM).done;
    expect(last?.result).to.include({ resultType: 'complete' });
  });

  it('ends a call whose questions nobody answers at its deadline, and forgets its state', async () => {
    const hasty = await startMcp({ modules: ['conformance'], timeoutMs: 1000 });
    const asking = new WireClient(hasty.url);
    // Where the machine is held up the deadline may strike before the question does.
    let asked: Message | undefined;
    await eventually(async () => {
      asked = (await asking.stateless('tools/call', ASKING, FORM).done).last;
      return hasty.endpoint.stats().suspendedCalls === 1;
    });
    await eventually(() => hasty.endpoint.stats().suspendedCalls === 0);
    const retry = { ...ASKING, requestState: asked?.result?.['requestState'], inputResponses: ANSWER };
    expect((await asking.stateless('tools/call', retry, FORM).done).last?.error?.code).to.equal(-32602);
    await hasty.close();
  });

  it('sends a subscription what it asked for, and nothing else', async () => {
    const wanted = { resourceSubscriptions: ['test://a'], toolsListChanged: true };
    const listening = client.stateless('subscriptions/listen', { notifications: wanted }, { id: 'sub' });
    const first = await listening.message(1);
    expect(first.method).to.equal('notifications/subscriptions/acknowledged');
    expect(first.params?.['notifications']).to.deep.equal({ resourceSubscriptions: ['test://a'] });
    for (const uri of ['test://b', 'test://a']) {
      await client.stateless('tools/call', { name: 'touch', arguments: { uri } }).done;
    }
    const news = await listening.message(2);
    expect(news.params).to.deep.equal({ uri: 'test://a', _meta: { [SUBSCRIPTION]: 'sub' } });
    listening.leave();
    while (mcp.endpoint.stats().subscriptions > 0) await new Promise(setImmediate);
  });

  it('ends a subscription to nothing at once, with its response', async () => {
    const { messages } = await client.stateless('subscriptions/listen', { notifications: {} }, { id: 4 })
      .done;
    expect(messages.at(-1)).to.deep.include({ id: 4 });
    expect(messages.at(-1)?.result?.['_meta']?.[SUBSCRIPTION]).to.equal(4);
  });

  it('ends the newest subscription of a key with many for that of another, and refuses its own next', async () => {
    const small = await startMcp({ maxSubscriptions: 2 });
    const listen = (keys: Record<string, string>) =>
      new WireClient(small.url, keys).stateless('subscriptions/listen', {
        notifications: { resourceSubscriptions: ['test://a'] },
      });
    const [first, newest] = [listen(SUPER), listen(SUPER)];
    await Promise.all([first.message(1), newest.message(1)]);
    expect((await listen(SUPER).done).status).to.equal(503);
    const other = listen(SECOND);
    await other.message(1);
    expect(await Promise.race([first.done.then(() => 'first'), newest.done.then(() => 'newest')])).to.equal(
      'newest',
    );
    expect(newest.messages.at(-1)?.result).to.be.an('object');
    expect(small.endpoint.stats().subscriptions).to.equal(2);
    first.leave();
    other.leave();
    await small.close();
  });

  it('reads resources, prompts and completions', async () => {
    const read = await client.stateless('resources/read', { uri: 'test://template/7/data' }).done;
    expect(JSON.parse(read.last?.result?.['contents']?.[0]?.['text'] ?? '')).to.include({ id: '7' });
    const listed = await client.stateless('resources/templates/list').done;
    expect(listed.last?.result).to.include({ cacheScope: 'private' });
    const ref = { type: 'ref/prompt', name: 'test_prompt_with_arguments' };
    const done = await client.stateless('completion/complete', {
      ref,
      argument: { name: 'arg1', value: 'par' },
    }).done;
    expect(done.last?.result?.['completion']?.['values']).to.deep.equal(['paris', 'park']);
  });
});
