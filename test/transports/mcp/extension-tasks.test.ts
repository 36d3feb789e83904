/** Tasks of 2026-07-28, beyond what the conformance suite asks. */
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { type StartedMcp, startMcp } from './start-mcp.ts';
import { type Reply, SECOND, WireClient } from './wire-client.ts';

const TASKS = { 'io.modelcontextprotocol/tasks': {} };
const ABLE = { capabilities: { extensions: TASKS, elicitation: {} } };
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';

describe('the tasks of 2026-07-28', () => {
  let mcp: StartedMcp;
  let client: WireClient;
  before(async () => {
    mcp = await startMcp({ modules: ['basic-tools', 'mcp-tools', 'conformance', 'task-tools'] });
    client = new WireClient(mcp.url);
  });
  after(() => mcp.close());

  const call = (name: string, args: object = {}, options: object = ABLE) =>
    client.stateless('tools/call', { name, arguments: args }, options).done;
  const task = (method: string, taskId: unknown, more: object = {}, who = client): Promise<Reply> =>
    who.stateless(
      `tasks/${method}`,
      { taskId, ...more },
      { ...ABLE, headers: { 'mcp-name': String(taskId) } },
    ).done;
  const made = async (name: string, args?: object): Promise<string> => {
    const { last } = await call(name, args);
    expect(last?.result).to.include({ resultType: 'task', status: 'working' });
    return String(last?.result?.['taskId']);
  };
  const state = async (taskId: string) => (await task('get', taskId)).last?.result as Record<string, never>;
  async function reaches(taskId: string, status: string): Promise<Record<string, never>> {
    let seen: Record<string, never> = {};
    await eventually(async () => {
      seen = await state(taskId);
      return seen['status'] === status;
    });
    return seen;
  }

  it('are made of tools that say so alone, whatever the client asks for', async () => {
    const plain = await call('echo', { text: 'a' });
    expect(plain.last?.result).to.include({ resultType: 'complete' });
    const undeclared = await call('slow_compute', { seconds: 0, label: 'a' }, {});
    expect(undeclared.last?.result).to.include({ resultType: 'complete' });
    for (const capabilities of [{ extensions: {} }, { extensions: TASKS['io.modelcontextprotocol/tasks'] }]) {
      const refused = await call('failing_job', {}, { capabilities });
      expect([refused.status, refused.last?.error?.code]).to.deep.equal([400, -32021]);
      expect(refused.last?.error?.data?.['requiredCapabilities']).to.deep.equal({ extensions: TASKS });
    }
  });

  it('do not exist for another key', async () => {
    const taskId = await made('slow_compute', { seconds: 60, label: 'mine' });
    const thief = new WireClient(mcp.url, SECOND);
    for (const [method, more] of [
      ['get', {}],
      ['update', { inputResponses: {} }],
      ['cancel', {}],
    ] as const) {
      expect((await task(method, taskId, more, thief)).last?.error?.code).to.equal(-32602);
      expect((await task(method, 'nothing', more)).last?.error?.code).to.equal(-32602);
    }
    expect(await state(taskId)).to.include({ status: 'working' });
    await task('cancel', taskId);
    await eventually(() => mcp.dispatcher.callsInFlight === 0);
    expect(await state(taskId)).to.include({ status: 'cancelled' });
    expect((await task('cancel', taskId)).last?.result).to.include({ resultType: 'complete' });
  });

  it('ask what their tool asks at the very moment in which it becomes one', async () => {
    const accepted = (asked: object) =>
      Object.fromEntries(Object.keys(asked).map((key) => [key, { action: 'accept', content: {} }]));
    const settled = async (taskId: string) => {
      let seen: Record<string, never> = {};
      await eventually(async () => {
        seen = await state(taskId);
        return seen['status'] !== 'working';
      });
      return seen;
    };
    const answered = async (waitMs: number) => {
      const args = { name: 'asks_twice', arguments: { waitMs } };
      let { last } = await client.stateless('tools/call', args, ABLE).done;
      let questions = 0;
      while (last?.result?.['resultType'] === 'input_required') {
        questions++;
        const { inputRequests, requestState } = last.result as Record<string, never>;
        const more = { requestState, inputResponses: accepted(inputRequests ?? {}) };
        ({ last } = await client.stateless('tools/call', { ...args, ...more }, ABLE).done);
      }
      if (last?.result?.['resultType'] !== 'task') return [questions, JSON.stringify(last?.result)];
      const taskId = String(last.result['taskId']);
      // On a busy machine it becomes one with a question to come, or with two, or with none.
      let seen = await settled(taskId);
      while (seen['status'] === 'input_required') {
        const asked = seen['inputRequests'] ?? {};
        questions += Object.keys(asked).length;
        await task('update', taskId, { inputResponses: accepted(asked) });
        seen = await settled(taskId);
      }
      return [questions, JSON.stringify(seen)];
    };
    // It is made a task when it has asked nothing for five milliseconds.
    for (let round = 0; round < 4; round++)
      for (let waitMs = 0; waitMs <= 10; waitMs++) {
        const [questions, result] = await answered(waitMs);
        expect([questions, String(result).includes('asked twice')]).to.deep.equal([2, true]);
      }
  });

  it('outlive the request that made them, but not the gateway', async () => {
    const own = await startMcp({ modules: ['conformance'] });
    const params = { name: 'slow_compute', arguments: { seconds: 60, label: 'a' } };
    await new WireClient(own.url).stateless('tools/call', params, ABLE).done;
    expect(own.dispatcher.callsInFlight).to.equal(1);
    await own.close();
    expect(own.dispatcher.callsInFlight).to.equal(0);
  });

  it('take answers that fit a question, and ignore all others', async () => {
    const taskId = await made('multi_input');
    const asked = await reaches(taskId, 'input_required');
    expect(Object.keys(asked['inputRequests'] ?? {}).sort()).to.deep.equal(['first', 'second']);
    const answer = (inputResponses: unknown) => task('update', taskId, { inputResponses });
    const accept = (name: string) => ({ action: 'accept', content: { name } });
    for (const wrong of [undefined, null, [], 'x', { first: 5 }, { first: { action: 'sure' } }]) {
      expect((await answer(wrong)).last?.error?.code).to.equal(-32602);
    }
    expect((await answer({ first: accept('a'), second: {} })).last?.error?.code, 'all or none').to.equal(
      -32602,
    );
    expect(Object.keys((await state(taskId))['inputRequests'] ?? {})).to.have.length(2);
    await answer({ first: accept('Ada'), nobody: accept('x') });
    await answer({ first: accept('again') });
    expect(Object.keys((await state(taskId))['inputRequests'] ?? {})).to.deep.equal(['second']);
    await answer({ second: accept('Bob') });
    const { result, inputRequests } = await reaches(taskId, 'completed');
    expect([result?.['content']?.[0]?.['text'], inputRequests]).to.deep.equal(['Ada and Bob', undefined]);
  });

  it('tell whoever subscribed what becomes of them, as tasks/get would', async () => {
    const taskId = await made('confirm_delete', { filename: 'a' });
    await reaches(taskId, 'input_required');
    const notifications = { taskIds: [taskId, 'nothing', 5] };
    const listening = client.stateless('subscriptions/listen', { notifications }, { ...ABLE, id: 'sub' });
    const acknowledged = await listening.message(1);
    expect(acknowledged.params?.['notifications']).to.deep.equal({ taskIds: [taskId] });
    const asked = await listening.message(2);
    expect(asked.method).to.equal('notifications/tasks');
    expect(asked.params).to.deep.include({
      taskId,
      status: 'input_required',
      _meta: { [SUBSCRIPTION]: 'sub' },
    });
    await task('update', taskId, { inputResponses: { confirm: { action: 'decline' } } });
    expect((await listening.message(3)).params).to.include({ status: 'working' });
    const completed = (await listening.message(4)).params as Record<string, never>;
    expect(completed['result']).to.deep.equal((await state(taskId))['result']);
    listening.leave();
    await eventually(() => mcp.endpoint.stats().subscriptions === 0);
  });

  it('are told to no client that does not declare them', async () => {
    const taskId = await made('slow_compute', { seconds: 0, label: 'a' });
    const undeclared = { headers: { 'mcp-name': taskId } };
    const refused = await client.stateless('tasks/get', { taskId }, undeclared).done;
    expect([refused.status, refused.last?.error?.code]).to.deep.equal([400, -32021]);
    const listening = await client.stateless('subscriptions/listen', { notifications: { taskIds: [] } }).done;
    expect(listening.last?.error?.code).to.equal(-32021);
    const stranger = new WireClient(mcp.url, SECOND);
    const { messages } = await stranger.stateless(
      'subscriptions/listen',
      { notifications: { taskIds: [taskId] } },
      ABLE,
    ).done;
    expect(messages[0]?.params?.['notifications']).to.deep.equal({});
  });

  it('may come behind questions, in several rounds, and ask on as a task', async () => {
    const params = { name: 'test_tool_with_task', arguments: {} };
    const { last: asked } = await client.stateless('tools/call', params, ABLE).done;
    expect(asked?.result).to.include({ resultType: 'input_required' });
    const retry = {
      ...params,
      requestState: asked?.result?.['requestState'],
      inputResponses: { user_name: { action: 'accept', content: { name: 'Ada' } } },
    };
    const { last } = await client.stateless('tools/call', retry, ABLE).done;
    expect(last?.result).to.include({ resultType: 'task' });
    const { result } = await reaches(String(last?.result?.['taskId']), 'completed');
    expect(result?.['content']?.[0]?.['text']).to.equal('Hello, Ada!');
    expect(mcp.endpoint.stats().suspendedCalls).to.equal(0);
  });

  it('are refused like any call: an unknown tool, wrong arguments, too many', async () => {
    expect((await call('nope')).last?.error?.code).to.equal(-32602);
    const own = await startMcp({ modules: ['conformance'], pool: { queueLimit: 256, callsPerThread: 256 } });
    const greedy = new WireClient(own.url);
    const params = { name: 'slow_compute', arguments: { seconds: 60, label: 'a' } };
    const replies = await Promise.all(
      Array.from({ length: 130 }, (_, id) => greedy.stateless('tools/call', params, { ...ABLE, id }).done),
    );
    const refused = replies.filter(({ last }) => last?.error);
    expect(refused.map(({ status, last }) => [status, last?.error?.code])).to.deep.equal([
      [503, 1503],
      [503, 1503],
    ]);
    await own.close();
  });

  it('are what the era before has too, where a tool says whether it runs as one', async () => {
    const older = new WireClient(mcp.url);
    await older.initialize();
    const listed = (await older.call('tools/list').done).last?.result?.['tools'] ?? [];
    const tools = listed as { name: string; execution: { taskSupport: string } }[];
    const said = Object.fromEntries(tools.map(({ name, execution }) => [name, execution.taskSupport]));
    expect([said['echo'], said['slow_compute'], said['failing_job']]).to.deep.equal([
      'optional',
      'optional',
      'required',
    ]);
    expect((await older.tool('failing_job').done).last?.error?.code).to.equal(-32601);
    const params = { name: 'failing_job', arguments: {}, task: {} };
    expect((await older.call('tools/call', params).done).last?.result).to.have.property('task');
    await older.end().done;
  });
});
