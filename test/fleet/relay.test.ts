/** What only one gateway has, asked for at another: tasks, calls that wait for answers, older clients' streams. */
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { exchange, SECOND, SUPER, WireClient } from '../transports/mcp/wire-client.ts';
import { missingRedis } from './redis-server.ts';
import { SmallFleet } from './small-fleet.ts';

const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} }, elicitation: {} };

describe('a client of MCP that comes to another gateway', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;
  let one: string;
  let other: string;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start({ legacySse: true });
    [one, other] = fleet.urls;
  });
  after(() => fleet?.close());

  describe('with a task of a session', () => {
    let here: WireClient;
    let there: WireClient;
    beforeEach(async () => {
      here = new WireClient(`${one}/mcp`);
      await here.initialize('2025-11-25', { elicitation: {} });
      there = here.at(`${other}/mcp`);
    });

    const start = async (args: object): Promise<string> => {
      const params = { name: 'job', arguments: args, task: {}, _meta: { progressToken: 5 } };
      const { last } = await here.call('tools/call', params).done;
      return String((last?.result?.['task'] as { taskId?: string } | undefined)?.taskId);
    };

    it('learns its state and its result, with what it told', async () => {
      const until = fleet.newFile();
      const taskId = await start({ until });
      const state = await there.call('tasks/get', { taskId }, 2).done;
      expect(state.last?.result).to.include({ taskId, status: 'working' });
      const reading = there.call('tasks/result', { taskId }, 3);
      await reading.message(1);
      writeFileSync(until, '');
      const { messages, last } = await reading.done;
      expect(last?.id).to.equal(3);
      expect(JSON.stringify(last?.result)).to.contain('counted');
      expect(messages.filter(({ method }) => method === 'notifications/progress')).not.to.have.length(0);
      const after = await there.call('tasks/get', { taskId }, 4).done;
      expect(after.last?.result).to.include({ status: 'completed' });
    });

    it('answers its question and cancels it', async () => {
      const taskId = await start({ asks: true, count: 1000 });
      const reading = there.call('tasks/result', { taskId }, 3);
      const question = await reading
        .message(1)
        .then(async (first) => (first.method === 'elicitation/create' ? first : reading.message(2)));
      expect(question.method).to.equal('elicitation/create');
      await there.post({ jsonrpc: '2.0', id: question.id, result: { action: 'accept', content: {} } }).done;
      await eventually(async () => {
        const { last } = await there.call('tasks/get', { taskId }, 5).done;
        return (last?.result?.['status'] as unknown) === 'working';
      });
      const { last } = await there.call('tasks/cancel', { taskId }, 6).done;
      expect(last?.result).to.include({ status: 'cancelled' });
      await reading.done;
    });

    it('hears that there is none where the gateway is not there', async () => {
      const { last } = await there.call('tasks/get', { taskId: 'abc.AAAAAAAAAAAA' }).done;
      expect(last?.error?.message).to.contain('names no task');
    });
  });

  describe('without sessions', () => {
    const ask = (url: string, params: Record<string, unknown>) =>
      new WireClient(`${url}/mcp`).stateless('tools/call', params, { capabilities: TASKS }).done;

    it('gives its answers to a call that waits elsewhere', async () => {
      const asked = await ask(one, { name: 'ask', arguments: {} });
      expect(asked.last?.result).to.include({ resultType: 'input_required' });
      const [[key] = ['']] = Object.entries(asked.last?.result?.['inputRequests'] ?? {});
      const { last } = await ask(other, {
        name: 'ask',
        arguments: {},
        requestState: asked.last?.result?.['requestState'],
        inputResponses: { [key]: { action: 'accept', content: { colour: 'blue' } } },
      });
      expect(JSON.stringify(last?.result)).to.contain('blue');
    });

    it('follows its task, which no other key can', async () => {
      const until = fleet.newFile();
      const made = await ask(one, { name: 'job', arguments: { until } });
      const taskId = String(made.last?.result?.['taskId']);
      const get = (headers = SUPER) =>
        new WireClient(`${other}/mcp`, headers).stateless(
          'tasks/get',
          { taskId },
          { capabilities: TASKS, headers: { 'mcp-name': taskId } },
        ).done;
      expect((await get()).last?.result).to.include({ status: 'working' });
      expect((await get(SECOND)).last?.error?.message).to.contain('names no task');
      writeFileSync(until, '');
      await eventually(async () => ((await get()).last?.result?.['status'] as unknown) === 'completed');
    });
  });

  it('with an older client: its messages reach its stream', async () => {
    const stream = new AbortController();
    const response = await fetch(`${one}/sse`, {
      headers: { ...SUPER, accept: 'text/event-stream' },
      signal: stream.signal,
    });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const until = async (wanted: RegExp) => {
      while (!wanted.test(text)) text += (await reader?.read())?.value ?? '';
      return wanted.exec(text);
    };
    const [, path = ''] = (await until(/data: (\/messages\S+)/)) ?? [];
    const json = { 'content-type': 'application/json' };
    const say = (message: object, headers: Record<string, string> = SUPER) =>
      exchange(`${other}${path}`, 'POST', { ...headers, ...json }, JSON.stringify(message)).done;
    const params = {
      protocolVersion: '2024-11-05',
      capabilities: {},
      clientInfo: { name: 'a', version: '1' },
    };
    expect((await say({ jsonrpc: '2.0', id: 1, method: 'initialize', params })).status).to.equal(202);
    await until(/"serverInfo"/);
    await say({ jsonrpc: '2.0', method: 'notifications/initialized' });
    const call = {
      jsonrpc: '2.0',
      id: 2,
      method: 'tools/call',
      params: { name: 'once', arguments: { count: 1 } },
    };
    expect((await say(call, SECOND)).status).to.equal(404);
    expect((await say(call)).status).to.equal(202);
    await until(/"id":2,"result"/);
    expect((await say({ no: 'message' })).status).to.equal(400);
    stream.abort();
    await eventually(async () => (await say(call)).status === 404);
  });
});
