/** `stdio --supervise`: a client's session outlives its gateway, and nothing that is printed reaches the client. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import {
  ElicitRequestSchema,
  type JSONRPCMessage,
  LoggingMessageNotificationSchema,
  type McpError,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { isAlive, Programs, type RunningProgram } from './run-program.ts';

const TOOLS = `
import { writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { defineResource, defineTool } from 'mcp-streaming-gateway';
const tool = (name, run, more = {}) => defineTool({ name, description: name, isolation: 'shared', run, ...more });
export const pid = tool('pid', async () => process.pid);
export const crash = tool('crash', async () => process.kill(process.pid, 'SIGSEGV'));
export const waits = tool('waits', async (_input, { signal }) => {
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
});
export const reads = tool('reads', () => delay(60_000), { annotations: { readOnlyHint: true } });
export const prints = tool('prints', async () => {
  writeSync(1, 'from native code\\\\n');
  console.log('from the console');
  return 'printed';
});
export const news = tool('news', async (_input, { log, resourceUpdated }) => {
  log('debug', 'a debug record');
  resourceUpdated('toy://watched');
  resourceUpdated('toy://unwatched');
  return 'told';
});
export const asks = tool('asks', async (_input, { elicit }) => {
  const answer = await elicit({ message: 'who?', schema: { type: 'object', properties: { name: { type: 'string' } } } });
  return answer.content?.name ?? answer.action;
});
export const counts = tool('counts', async function* () {
  for (let n = 0; n < 200; n++) yield 'x'.repeat(500_000);
  return 'counted';
});
export const watched = ['watched', 'unwatched'].map((name) => defineResource({
  name, uri: 'toy://' + name, description: name, async read() { return { text: name }; },
}));
`;

describe('mcp-streaming-gateway stdio --supervise', function () {
  this.timeout(60_000);
  before(function () {
    if (process.platform !== 'linux') this.skip(); // it looks at processes in /proc
  });
  let programs: Programs;
  beforeEach(() => {
    programs = new Programs();
    writeFileSync(join(programs.folder, 'tools.js'), TOOLS);
  });
  afterEach(() => programs.stop());

  /** The program, and its lines as they come; a line that is no JSON fails the test. */
  function start(...args: string[]) {
    const program: RunningProgram = programs.start(['--supervise', '--tools', './tools.js', ...args], {
      program: 'stdio',
    });
    const messages: (JSONRPCMessage & Record<string, unknown>)[] = [];
    createInterface(program.process.stdout).on('line', (line) => messages.push(JSON.parse(line)));
    const send = (message: object) =>
      program.process.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const answers = (id: unknown) => messages.filter((one) => one['id'] === id && !('method' in one));
    const call = (id: string | number, name: string) =>
      send({ id, method: 'tools/call', params: { name, arguments: {} } });
    const answer = async (id: unknown): Promise<Record<string, unknown>> =>
      (await eventually(() => answers(id)[0], { withinMs: 50_000 })) as Record<string, unknown>;
    const initialize = async (capabilities = {}) => {
      const params = {
        protocolVersion: '2025-11-25',
        capabilities,
        clientInfo: { name: 'test', version: '1' },
      };
      send({ id: 'init', method: 'initialize', params });
      await answer('init');
      send({ method: 'notifications/initialized' });
    };
    return { program, messages, send, call, answer, answers, initialize };
  }

  describe('with the client of the SDK', () => {
    let client: Client;
    let transport: StdioClientTransport;
    const heard: string[] = [];
    beforeEach(async () => {
      heard.length = 0;
      client = new Client({ name: 'test', version: '1' }, { capabilities: {} });
      client.setNotificationHandler(
        ResourceUpdatedNotificationSchema,
        ({ params }) => void heard.push(params.uri),
      );
      client.setNotificationHandler(
        LoggingMessageNotificationSchema,
        ({ params }) => void heard.push(params.level),
      );
      client.onerror = (error) => heard.push(String(error));
      transport = new StdioClientTransport({
        command: process.execPath,
        args: [programs.programOf('stdio'), '--supervise', '--tools', './tools.js'],
        cwd: programs.folder,
        env: { PATH: process.env['PATH'] ?? '', DATA_DIR: join(programs.folder, 'data') },
        stderr: 'ignore',
      });
      await client.connect(transport);
    });
    afterEach(() => client.close());

    const dataOf = async (name: string): Promise<unknown> => {
      const { structuredContent } = await client.callTool({ name, arguments: {} });
      return (structuredContent as { data: unknown }).data;
    };

    it('answers a call that died, and goes on: session, log level and subscriptions', async () => {
      await client.setLoggingLevel('debug');
      await client.subscribeResource({ uri: 'toy://watched' });
      await client.subscribeResource({ uri: 'toy://unwatched' });
      await client.unsubscribeResource({ uri: 'toy://unwatched' });
      const first = await dataOf('pid');
      for (const _ of [1, 2]) {
        heard.length = 0;
        const failure = (await dataOf('crash').catch((error) => error)) as McpError;
        expect(failure.code).to.equal(1502);
        expect(failure.data).to.deep.equal({ code: 'worker_crashed', status: 502, retryable: false });
        expect(await dataOf('news')).to.equal('told');
        await eventually(() => heard.length >= 2);
        expect(heard.sort()).to.deep.equal(['debug', 'toy://watched']);
      }
      expect(await dataOf('pid')).not.to.equal(first);
    });

    it('keeps what is written to descriptor 1 from its client', async () => {
      expect(await dataOf('prints')).to.equal('printed');
      expect(await dataOf('prints')).to.equal('printed');
      expect(heard).to.deep.equal([]);
    });
  });

  it('sends what is written to descriptor 1 to stderr', async () => {
    const { program, initialize, call, answer } = start();
    await initialize();
    call(1, 'prints');
    await answer(1);
    await program.said(/from native code/);
  });

  it('answers every request of a dead gateway once, and those that come meanwhile by the next', async () => {
    const { program, messages, initialize, call, send, answer, answers } = start();
    await initialize();
    call(1, 'waits');
    call('1', 'reads');
    send({ method: 'notifications/cancelled', params: { requestId: 7 } });
    call(2, 'waits');
    send({ method: 'notifications/cancelled', params: { requestId: 2 } });
    call(3, 'pid');
    await answer(3);
    call(4, 'crash');
    await answer(4);
    call(5, 'pid');
    send({ id: 6, method: 'tools/list' });
    expect(await answer(5)).to.have.property('result');
    expect(await answer(6)).to.have.property('result');
    expect(await answer(1)).to.have.nested.property('error.data.retryable', false);
    expect(await answer('1')).to.have.nested.property('error.data.retryable', true);
    expect(answers(2)).to.deep.equal([]);
    for (const id of [1, '1', 3, 4, 5, 6, 'init']) expect(answers(id), String(id)).to.have.length(1);
    expect(messages).to.have.length(7);
    program.process.stdin.end();
    expect((await program.ended).code).to.equal(0);
  });

  it('takes back a question whose gateway died, and keeps a late answer from the next one', async () => {
    const { messages, initialize, call, send, answer } = start();
    await initialize({ elicitation: {} });
    const questions = () =>
      messages.filter((one) => one['method'] === ElicitRequestSchema.shape.method.value);
    call(1, 'asks');
    await eventually(() => questions().length === 1);
    const [lost] = questions();
    call(2, 'crash');
    await answer(1);
    await eventually(() => messages.some((one) => one['method'] === 'notifications/cancelled'));
    call(3, 'asks');
    await eventually(() => questions().length === 2);
    const [, asked] = questions();
    expect(asked?.['id']).not.to.equal(lost?.['id']);
    const reply = (id: unknown, name: string) =>
      send({ id, result: { action: 'accept', content: { name } } });
    reply(lost?.['id'], 'too late');
    reply(asked?.['id'], 'Ada');
    expect(await answer(3)).to.have.nested.property('result.structuredContent.data', 'Ada');
  });

  it('answers a client that asks once and closes at once', async () => {
    const { program, send, answers } = start();
    send({
      id: 1,
      method: 'initialize',
      params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
    });
    send({ id: 2, method: 'tools/list' });
    program.process.stdin.end();
    expect((await program.ended).code).to.equal(0);
    expect([...answers(1), ...answers(2)].map((one) => 'result' in one)).to.deep.equal([true, true]);
  });

  for (const [departure, leave] of Object.entries({
    'its stdin closes': ({ process: { stdin } }: RunningProgram) => stdin.end(),
    'it gets SIGTERM': ({ process: child }: RunningProgram) => child.kill('SIGTERM'),
    'its stdout breaks': ({ process: child }: RunningProgram) => {
      child.stdout.destroy();
      child.stdin.write('{"jsonrpc":"2.0","id":9,"method":"tools/list"}\n');
    },
  }))
    it(`is soon gone, its gateway too, when ${departure}`, async () => {
      const { program, initialize, call, answer } = start();
      await initialize();
      call(1, 'pid');
      const { result } = await answer(1);
      const pid = (result as { structuredContent: { data: number } }).structuredContent.data;
      call(2, 'waits');
      const leftAt = performance.now();
      leave(program);
      expect((await program.ended).code).to.equal(0);
      expect(performance.now() - leftAt).to.be.below(40_000); // three seconds where nobody else works
      await eventually(() => !isAlive(pid));
    });

  it('leaves no gateway behind when it is killed', async () => {
    const { program, initialize, call, answer } = start();
    await initialize();
    call(1, 'pid');
    const { result } = await answer(1);
    const { data: pid } = (result as { structuredContent: { data: number } }).structuredContent;
    call(2, 'waits');
    program.process.kill('SIGKILL');
    await program.ended;
    await eventually(() => !isAlive(pid));
  });

  it('reads its gateway no faster than the client reads', async () => {
    const { program, initialize, send, answer, messages } = start();
    await initialize();
    program.process.stdout.pause();
    const params = { name: 'counts', arguments: {}, _meta: { progressToken: 'p' } };
    send({ id: 1, method: 'tools/call', params });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const before = programs.memoryMib(program);
    program.process.stdout.resume();
    await answer(1);
    expect(messages.filter((one) => one['method'] === 'notifications/progress').length).to.be.above(0);
    expect(before).to.be.below(100);
  });

  it('tells why it cannot start as without it', async () => {
    const args = ['stdio', '--tools', './missing.js'];
    const ended = await programs.run(['--supervise', ...args]);
    expect(ended)
      .to.deep.equal(await programs.run(args))
      .and.to.include({ code: 1 });
  });
});
