import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { RequestOptions } from '@modelcontextprotocol/sdk/shared/protocol.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CallToolResultSchema,
  ElicitRequestSchema,
  TaskStatusNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { expect } from 'chai';
import type { TerminalEvent } from '../../../lib/call/call-events.ts';
import type { ServedCall } from '../../../lib/transports/mcp/calls/served-call.ts';
import type { Outlet } from '../../../lib/transports/mcp/outlet.ts';
import { McpTask } from '../../../lib/transports/mcp/sessions/task.ts';
import { TaskQuota } from '../../../lib/transports/mcp/sessions/task-quota.ts';
import { ExtensionTask } from '../../../lib/transports/mcp/stateless/extension-task.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { eventually } from '../../support/eventually.ts';
import { whole } from './every-client.ts';
import { type StartedMcp, startMcp } from './start-mcp.ts';
import { stdioCommand } from './stdio-command.ts';
import { type Message, SECOND, WireClient } from './wire-client.ts';

const modules = ['basic-tools', 'mcp-tools'];
const RELATED = 'io.modelcontextprotocol/related-task';

interface TaskState {
  readonly taskId: string;
  readonly status: string;
  readonly statusMessage?: string;
  readonly ttl: number;
}

for (const way of ['HTTP', 'stdio']) {
  describe(`tasks of the SDK v1 client over ${way}`, function () {
    this.timeout(60_000);
    let mcp: StartedMcp | undefined;
    let client: Client;
    const told: { taskId: string; status: string }[] = [];
    let heard = () => {};
    before(async () => {
      if (way === 'HTTP') mcp = await startMcp({ modules });
      const requestInit = { headers: { 'X-API-Key': 'super-secret' } };
      const transport = mcp
        ? (new StreamableHTTPClientTransport(new URL(mcp.url), { requestInit }) as Transport)
        : new StdioClientTransport(stdioCommand(modules));
      client = new Client({ name: 'test', version: '1' }, { capabilities: { elicitation: {} } });
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({
        action: 'accept',
        content: { colour: String(params._meta?.[RELATED]?.taskId) },
      }));
      client.setNotificationHandler(TaskStatusNotificationSchema, ({ params }) => {
        told.push(params);
        heard();
      });
      await client.connect(transport);
      await client.listTools();
      // What is told of tasks comes on the stream that the client opens by itself.
      await eventually(() => !mcp || mcp.endpoint.stats().openStreams === 1);
    });
    after(async () => {
      await client.close();
      await mcp?.close();
    });

    /** The statuses that the client was told of a task, once it has ended. */
    async function toldOf(taskId: string): Promise<string[]> {
      const statuses = () => told.filter((task) => task.taskId === taskId).map(({ status }) => status);
      while (!statuses().includes('completed')) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
      return statuses();
    }

    /** Calls a tool as a task, and follows it to its end, past `working`. */
    async function follow(name: string, args: Record<string, unknown>, options: RequestOptions = {}) {
      const steps: string[] = [];
      let taskId = '';
      const calling = client.experimental.tasks.callToolStream({ name, arguments: args }, undefined, options);
      for await (const message of calling) {
        if (message.type === 'taskCreated') taskId = message.task.taskId;
        if (message.type === 'taskStatus') {
          if (message.task.status !== 'working') steps.push(message.task.status);
        } else steps.push(message.type);
        if (message.type === 'result') return { taskId, steps, result: message.result };
      }
      return { taskId, steps };
    }

    it('are declared, and every tool may run as one', async () => {
      expect(client.getServerCapabilities()?.tasks).to.deep.equal({
        list: {},
        cancel: {},
        requests: { tools: { call: {} } },
      });
      const { tools } = await client.listTools();
      const support = new Set(tools.map(({ execution }) => execution?.taskSupport));
      expect([...support]).to.deep.equal(['optional']);
    });

    it('give the result of the call, marked with the task', async () => {
      const { taskId, steps, result } = await follow('wait', { ms: 300 });
      expect(steps).to.deep.equal(['taskCreated', 'completed', 'result']);
      const plain = await client.callTool({ name: 'wait', arguments: { ms: 1 } });
      expect(Object.keys(result?.structuredContent ?? {})).to.deep.equal(
        Object.keys(plain['structuredContent'] as object),
      );
      expect(result?._meta?.[RELATED]).to.deep.equal({ taskId });
      expect(await toldOf(taskId)).to.deep.equal(['completed']);
    });

    it('put the question of a tool on tasks/result while they are input_required', async () => {
      const { taskId, steps, result } = await follow('ask', {});
      expect(steps).to.deep.equal(['taskCreated', 'input_required', 'result']);
      expect(result?.structuredContent).to.deep.equal({
        answer: { action: 'accept', content: { colour: taskId } },
      });
      expect(await toldOf(taskId)).to.deep.equal(['input_required', 'working', 'completed']);
    });

    it('go on with the progress of the call, each message marked with the task', async () => {
      const report = async () => {
        const seen: number[] = [];
        const marks = new Set<unknown>();
        const onprogress = (progress: { progress: number; _meta?: Record<string, { taskId: string }> }) => {
          seen.push(progress.progress);
          marks.add(progress._meta?.[RELATED]?.taskId);
        };
        const { taskId } = await follow('report', { n: 5, everyMs: 100 }, { onprogress });
        return { seen, marks, taskId };
      };
      const { seen, marks, taskId } = await whole(report, (brought) => brought.seen.length === 5);
      expect(seen).to.deep.equal([1, 2, 3, 4, 5]);
      expect([...marks]).to.deep.equal([taskId]);
    });

    it('fail with the call, and keep what it would have answered', async () => {
      const { taskId, steps } = await follow('echo', {});
      expect(steps).to.deep.equal(['taskCreated', 'failed', 'error']);
      const result = await client.experimental.tasks.getTaskResult(taskId, CallToolResultSchema);
      expect(result.isError).to.equal(true);
      expect(result._meta?.['io.github.mcp-streaming-gateway/error']).to.include({
        code: 'invalid_arguments',
      });
      expect(result._meta?.[RELATED]).to.deep.equal({ taskId });
    });

    it('are cancelled, and the tool learns of it', async () => {
      const key = `task ${way}`;
      const calling = client.experimental.tasks.callToolStream({
        name: 'until_cancelled',
        arguments: { key },
      });
      const first = (await calling.next()).value;
      if (first?.type !== 'taskCreated') throw new Error('no task was created');
      const { taskId } = first.task;
      while ((await toolState(key)) !== 'running');
      expect(await client.experimental.tasks.cancelTask(taskId)).to.include({ taskId, status: 'cancelled' });
      while ((await toolState(key)) === 'running');
      expect(await toolState(key)).to.equal('cancelled');
      expect(await client.experimental.tasks.getTask(taskId)).to.include({ status: 'cancelled' });
      const { tasks } = await client.experimental.tasks.listTasks();
      expect(tasks.find((task) => task.taskId === taskId)).to.include({ status: 'cancelled' });
      const again = await client.experimental.tasks.cancelTask(taskId).catch((thrown) => thrown);
      expect(again).to.have.property('code', -32602);
    });

    async function toolState(key: string): Promise<unknown> {
      const result = await client.callTool({ name: 'cancel_state', arguments: { key } });
      return (result['structuredContent'] as { state: unknown }).state;
    }
  });
}

describe('tasks on the wire', () => {
  let mcp: StartedMcp;
  let client: WireClient;
  let ids = 0;
  before(async () => {
    mcp = await startMcp({ modules });
  });
  after(() => mcp.close());
  beforeEach(async () => {
    client = new WireClient(mcp.url);
    await client.initialize('2025-11-25', { elicitation: {} });
  });
  afterEach(async () => {
    await client.end().done;
    expect(mcp.dispatcher.callsInFlight).to.equal(0);
  });

  const ask = async (method: string, params: object, from = client, headers = {}) =>
    (await from.call(method, params, ++ids, headers).done).last as Message;
  const create = (name: string, args: object = {}, task: unknown = {}, from = client) =>
    ask('tools/call', { name, arguments: args, task }, from);
  const stateIn = (message: Message): TaskState =>
    (message.result?.['task'] ?? message.result) as unknown as TaskState;
  const taskOf = async (name: string, args: object = {}, task: unknown = {}) =>
    stateIn(await create(name, args, task)).taskId;
  const result = async (taskId: string) => (await ask('tasks/result', { taskId })).result ?? {};

  it('belong to 2025-11-25 alone: older sessions and the stateless era know nothing of them', async () => {
    const older = new WireClient(mcp.url);
    const reply = await older.initialize('2025-06-18');
    expect(reply.last?.result?.['capabilities']).not.to.have.property('tasks');
    expect((await ask('tasks/list', {}, older)).error?.code).to.equal(-32601);
    const listed = (await ask('tools/list', {}, older)).result?.['tools'] as unknown as object[];
    expect(listed.every((tool) => !('execution' in tool))).to.equal(true);
    const called = await create('echo', { text: 'a' }, {}, older);
    expect(called.result?.['structuredContent']).to.deep.equal({ text: 'a' });
    const stateless = await client.stateless('tools/call', {
      name: 'echo',
      arguments: { text: 'b' },
      task: {},
    }).done;
    expect(stateless.last?.result?.['structuredContent']).to.deep.equal({ text: 'b' });
    expect((await client.stateless('tasks/list').done).status).to.equal(404);
    await older.end().done;
  });

  it('are answered at once with their state, the ttl within its bounds', async () => {
    const state = stateIn(await create('wait', { ms: 60_000 }, { ttl: 60_000 }));
    expect(Object.keys(state)).to.have.members([
      ...['taskId', 'status', 'createdAt', 'lastUpdatedAt', 'ttl', 'pollInterval'],
    ]);
    expect(state).to.include({ status: 'working', ttl: 60_000 });
    const ttls = [{}, { ttl: 0 }, { ttl: 1e12 }, { ttl: null }].map(async (task) =>
      stateIn(await create('echo', { text: 'a' }, task)),
    );
    expect((await Promise.all(ttls)).map(({ ttl }) => ttl)).to.deep.equal([
      300_000, 2000, 3_600_000, 300_000,
    ]);
  });

  it('refuse what is malformed or unknown with -32602, and make no task of it', async () => {
    const { taskId } = stateIn(await create('echo', { text: 'a' }));
    await result(taskId);
    const refused = await Promise.all([
      ...[true, [], 'x', { ttl: 'x' }, { ttl: -1 }].map((task) => create('echo', { text: 'a' }, task)),
      create('nope'),
      ask('tools/call', { name: 7, task: {} }),
      ...['tasks/get', 'tasks/result', 'tasks/cancel'].flatMap((method) =>
        [{ taskId: 'nope' }, { taskId: 7 }, {}].map((params) => ask(method, params)),
      ),
      ask('tasks/cancel', { taskId }),
      ...['', 'x', 7, 'OTk5'].map((cursor) => ask('tasks/list', { cursor })),
    ]);
    expect(new Set(refused.map(({ error }) => error?.code))).to.deep.equal(new Set([-32602]));
    const tasks = (await ask('tasks/list', {})).result?.['tasks'] as unknown as TaskState[];
    expect(tasks.map((task) => task.taskId)).to.deep.equal([taskId]);
  });

  it('do not exist for another session, nor for another key', async () => {
    const taskId = await taskOf('wait', { ms: 60_000 });
    const same = new WireClient(mcp.url);
    const other = new WireClient(mcp.url, SECOND);
    await Promise.all([same.initialize(), other.initialize()]);
    for (const stranger of [same, other]) {
      for (const method of ['tasks/get', 'tasks/result', 'tasks/cancel']) {
        expect((await ask(method, { taskId }, stranger)).error?.code).to.equal(-32602);
      }
      expect((await ask('tasks/list', {}, stranger)).result?.['tasks']).to.deep.equal([]);
    }
    expect((await client.call('tasks/get', { taskId }, 1, SECOND).done).status).to.equal(404);
    expect(stateIn(await ask('tasks/get', { taskId })).status).to.equal('working');
    await Promise.all([same.end().done, other.end().done]);
  });

  it('give their result to everyone who waits for it, and to those who come later', async () => {
    const taskId = await taskOf('wait', { ms: 300 });
    const waiting = [
      client.call('tasks/result', { taskId }, 'a'),
      client.call('tasks/result', { taskId }, 'b'),
    ];
    const replies = await Promise.all(waiting.map(({ done }) => done));
    expect(replies.map(({ last }) => last?.id)).to.deep.equal(['a', 'b']);
    const later = await result(taskId);
    for (const { last } of replies) expect(last?.result).to.deep.equal(later);
    expect(later['_meta']).to.deep.equal({ [RELATED]: { taskId } });
  });

  it('outlive a tasks/result that is cancelled', async () => {
    const leaveOne = async (ms: number) => {
      const taskId = await taskOf('wait', { ms });
      const waiting = client.call('tasks/result', { taskId }, 'w');
      await waiting.head;
      await client.cancel('w').done;
      const { messages } = await waiting.done;
      return { taskId, messages, state: (await ask('tasks/get', { taskId })).result };
    };
    let left = await leaveOne(500);
    // Where all of this took longer than the task itself.
    if (left.state?.['status'] === 'completed') left = await leaveOne(15_000);
    const { taskId, messages, state } = left;
    expect(messages).to.deep.equal([]);
    expect(state).to.include({ status: 'working' });
    await result(taskId);
    expect((await ask('tasks/get', { taskId })).result).to.include({ status: 'completed' });
  });

  it('put an open question on the next tasks/result when the first one leaves', async () => {
    const taskId = await taskOf('ask');
    const first = client.call('tasks/result', { taskId }, 'first');
    expect((await first.message(1)).method).to.equal('elicitation/create');
    await client.cancel('first').done;
    const second = client.call('tasks/result', { taskId }, 'second');
    const question = await second.message(1);
    expect(question.params?._meta).to.deep.equal({ [RELATED]: { taskId } });
    await client.post({ jsonrpc: '2.0', id: question.id, result: { action: 'decline' } }).done;
    const { messages, last } = await second.done;
    expect(messages.map(({ method }) => method)).to.deep.equal(['elicitation/create', undefined]);
    expect(last?.result?.['structuredContent']).to.deep.equal({ answer: { action: 'decline' } });
  });

  it('fail at the deadline of their call, and where a tool says in its content that it failed', async () => {
    const late = await taskOf('short_limit');
    expect((await result(late))['_meta']?.['io.github.mcp-streaming-gateway/error']).to.include({
      code: 'deadline_exceeded',
    });
    const said = await taskOf('says_error');
    expect(await result(said)).to.include({ isError: true });
    for (const taskId of [late, said]) {
      expect((await ask('tasks/get', { taskId })).result).to.include({ status: 'failed' });
    }
  });

  it('keep a cancelled status, and answer tasks/result with what became of the call', async () => {
    const taskId = await taskOf('wait', { ms: 60_000 });
    const waiting = client.call('tasks/result', { taskId }, 'w');
    await waiting.head;
    expect((await ask('tasks/cancel', { taskId })).result).to.include({ status: 'cancelled' });
    expect(
      (await waiting.done).last?.result?.['_meta']?.['io.github.mcp-streaming-gateway/error'],
    ).to.include({
      code: 'cancelled',
    });
    expect((await ask('tasks/get', { taskId })).result).to.include({ status: 'cancelled' });
  });

  it('bring chunks and progress on tasks/result while it waits', async () => {
    const meta = { progressToken: 'p' };
    const progressOf = async (n: number) => {
      const params = { name: 'count', arguments: { n, delayMs: 50 }, task: {}, _meta: meta };
      const { taskId } = stateIn(await ask('tools/call', params));
      const { messages } = await client.call('tasks/result', { taskId }, 'w').done;
      return { taskId, progress: messages.filter(({ method }) => method === 'notifications/progress') };
    };
    let told = await progressOf(20);
    // Where the task was over before tasks/result came.
    if (told.progress.length === 0) told = await progressOf(200);
    const { taskId, progress } = told;
    expect(progress).not.to.have.length(0);
    for (const { params } of progress) {
      expect(params).to.include({ progressToken: 'p' });
      expect(params?._meta?.[RELATED]).to.deep.equal({ taskId });
    }
    const values = progress.map(({ params }) => Number(params?.['progress']));
    expect(values.every((value, at) => at === 0 || value > (values[at - 1] ?? value))).to.equal(true);
  });

  it('are listed in pages, in the order of their creation', async () => {
    const created: string[] = [];
    for (let i = 0; i < 60; i++) created.push(await taskOf('echo', { text: 'a' }));
    const listed: string[] = [];
    const sizes: number[] = [];
    let cursor: unknown;
    do {
      const page = (await ask('tasks/list', cursor === undefined ? {} : { cursor })).result;
      const tasks = page?.['tasks'] as unknown as TaskState[];
      sizes.push(tasks.length);
      listed.push(...tasks.map(({ taskId }) => taskId));
      cursor = page?.['nextCursor'];
    } while (cursor !== undefined);
    expect(sizes).to.deep.equal([50, 10]);
    expect(listed).to.deep.equal(created);
  });

  it('are refused beyond their number for a key, and make room when their session ends', async () => {
    let made = 0;
    let refused = await create('echo', { text: 'a' });
    for (; refused.error === undefined && made < 128; made++) refused = await create('echo', { text: 'a' });
    // Tasks of the tests before may still count.
    expect(made).to.be.above(100);
    expect(refused.error).to.deep.include({ code: 1503 });
    const other = new WireClient(mcp.url, SECOND);
    await other.initialize();
    expect(stateIn(await create('echo', { text: 'a' }, {}, other)).status).to.equal('working');
    await other.end().done;
    await client.end().done;
    client = new WireClient(mcp.url);
    await client.initialize();
    expect(stateIn(await create('echo', { text: 'a' })).status).to.equal('working');
  });

  it('are forgotten when their time is over, but not while they run', async () => {
    const short = await taskOf('echo', { text: 'a' }, { ttl: 0 });
    const long = await taskOf('wait', { ms: 60_000 }, { ttl: 0 });
    while ((await ask('tasks/get', { taskId: short })).result !== undefined);
    expect((await ask('tasks/get', { taskId: long })).result).to.include({ status: 'working' });
  });

  it('end with their session, and so does every tasks/result', async () => {
    const taskId = await taskOf('wait', { ms: 60_000 });
    const waiting = client.call('tasks/result', { taskId }, 'w');
    await waiting.head;
    await client.end().done;
    const { messages } = await waiting.done;
    expect(messages.map(({ id, error }) => [id, error?.code])).to.deep.equal([['w', -32001]]);
    expect(mcp.dispatcher.callsInFlight).to.equal(0);
  });
});

describe('McpTask', () => {
  it('holds its tool while the reader of its messages has not taken them', async () => {
    let take = () => {};
    const tell = () =>
      new Promise<void>((resolve) => {
        take = resolve;
      });
    const task = new McpTask(1000, { tell, ask: async () => true });
    expect(task.ready()).to.equal(undefined);
    task.send(
      '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}',
    );
    const held = task.ready();
    expect(held).to.be.instanceOf(Promise);
    take();
    await held;
    expect(task.ready()).to.equal(undefined);
  });
});

describe('a task that has ended', () => {
  const result = { type: 'result', data: '7', chunks: 0, durationMs: 1 } as unknown as TerminalEvent;
  /** A call that ends at once, and what the task says then. */
  const served = (answer: string) => ({
    call: { onEnd: (listener: (end: TerminalEvent) => void) => listener(result), cancel() {}, answer() {} },
    serve: async (id: string, outlet: Outlet) => outlet.respond(`{"jsonrpc":"2.0","id":"${id}",${answer}`),
    drop() {},
  });
  const ANSWER = '"result":{"content":[]}}';
  const kinds = {
    'of a session': () => {
      const task = new McpTask(60_000, { tell: () => undefined, ask: async () => true });
      return { task, told: () => task.text };
    },
    'of the extension': () => {
      const task = new ExtensionTask({ id: 'x', ttlMs: 60_000, changed() {}, moved() {} });
      return { task, told: () => task.members };
    },
  };
  for (const [kind, make] of Object.entries(kinds))
    it(`holds on to its result, and to nothing that ran it: one ${kind}`, async () => {
      const { task, told } = make();
      const ran = await (async () => {
        const one = served(ANSWER);
        await task.run(one as unknown as ServedCall, {});
        return new WeakRef(one);
      })();
      expect(told()).to.include('"status":"completed"');
      expect(task.resultBytes).to.equal(ANSWER.length - (kind === 'of a session' ? 0 : 1));
      await collectGarbage();
      expect(ran.deref()).to.equal(undefined);
      task.cancel();
      task.drop();
      expect(told()).to.include('"status":"completed"');
    });
});

describe('TaskQuota', () => {
  it('forgets the results of a key that ended first, never the last one, and leaves other keys alone', () => {
    const quota = new TaskQuota(100);
    const forgotten: string[] = [];
    const end = (keyId: string, taskId: string, bytes: number) => {
      quota.take(keyId);
      quota.keep(keyId, taskId, bytes, () => {
        forgotten.push(taskId);
        quota.release(keyId, taskId);
      });
    };
    end('other', 'z', 90);
    end('key', 'a', 40);
    end('key', 'b', 40);
    end('key', 'c', 40);
    expect(forgotten).to.deep.equal(['a']);
    end('key', 'd', 1000);
    expect(forgotten).to.deep.equal(['a', 'b', 'c']);
    end('key', 'e', 1);
    expect(forgotten).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(quota.size).to.equal(2);
  });
});
