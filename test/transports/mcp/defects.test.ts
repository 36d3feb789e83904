import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import type { ToolEvent } from '../../../lib/call/call-events.ts';
import type { Catalog } from '../../../lib/call/catalog.ts';
import type { CallRequest, RunningCall } from '../../../lib/call/running-call.ts';
import { Dispatcher } from '../../../lib/dispatch/dispatcher.ts';
import { McpService } from '../../../lib/transports/mcp/service.ts';
import { serveMcpStdio } from '../../../lib/transports/mcp/stdio/stdio-connection.ts';
import { NewsFeed } from '../../../lib/transports/news.ts';
import { eventually } from '../../support/eventually.ts';
import { memoryHistory } from '../../support/memory-history.ts';
import { result, type Script, ScriptedRunner } from '../scripted-runner.ts';
import { startMcp } from './start-mcp.ts';
import { type Message, WireClient } from './wire-client.ts';

interface Logged {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const scripts: Readonly<Record<string, Script>> = {
  async *good() {
    yield result({ ok: true });
  },
  // biome-ignore lint/correctness/useYield: it breaks the promise that the iterable never throws
  async *breaks_off() {
    throw new TypeError('a defect while the call runs');
  },
  async *ends_wrongly() {
    yield { ...result({}), shape: 'content', data: '{"_meta":' } as ToolEvent;
  },
  async *asks_wrongly({ answers }) {
    yield { type: 'started' };
    yield { type: 'ask', ask: 1, method: 'elicit', params: { n: 1n } };
    await eventually(() => answers.has(1));
    yield result(String(answers.get(1)));
  },
  async *waits({ signal }) {
    yield { type: 'started' };
    await once(signal, 'abort');
  },
};

/** Has a catalog that cannot be read as MCP needs it, and calls of which the first cannot be cancelled. */
class DefectiveRunner extends ScriptedRunner {
  #fails = true;

  constructor() {
    super(scripts);
  }

  /** For after the dispatcher has taken the catalog in. */
  breakCatalog(): void {
    const broken = () => {
      throw new TypeError('a defect in the catalog');
    };
    Object.defineProperty(this.catalog as Catalog, 'prompts', { get: broken });
  }

  override call(request: CallRequest & { readonly callId: string }): RunningCall {
    const call = super.call(request);
    if (request.name !== 'waits') return call;
    const cancel = call.cancel.bind(call);
    call.cancel = (...how) => {
      if (!this.#fails) return cancel(...how);
      this.#fails = false;
      throw new TypeError('a defect in the cancel');
    };
    return call;
  }
}

/** A scripted call that streams is read by its transport alone. */
const STREAMED = { _meta: { progressToken: 'p' } };

const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** A client of one era on one carrier. */
interface Connection {
  readonly logged: Logged[];
  readonly dispatcher: Dispatcher;
  /** Sends a request, and gives every message that answers it. */
  ask(id: number, method: string, params: Readonly<Record<string, unknown>>): Promise<Message[]>;
  notify(method: string, params: Readonly<Record<string, unknown>>): Promise<void>;
  close(): Promise<void>;
}

type Connect = (era: string) => Promise<Connection>;

const connectHttp: Connect = async (era) => {
  const logged: Logged[] = [];
  const log = (level: string, _message: string, fields: Logged['fields'] = {}) =>
    void logged.push({ level, fields });
  const runner = new DefectiveRunner();
  const mcp = await startMcp({ runner, log });
  runner.breakCatalog();
  const client = new WireClient(mcp.url);
  if (era === 'session') await client.initialize('2025-11-25', { elicitation: {} });
  return {
    logged,
    dispatcher: mcp.dispatcher,
    async ask(id, method, params) {
      const { _meta: meta, ...rest } = params as { _meta?: object };
      const way =
        era === 'session'
          ? client.call(method, params, id)
          : client.stateless(method, rest, { id, ...(meta ? { meta } : {}) });
      return (await way.done).messages.filter((message) => message.id === id);
    },
    async notify(method, params) {
      await client.post({ jsonrpc: '2.0', method, params }).done;
    },
    close: () => mcp.close(),
  };
};

const connectStdio: Connect = async (era) => {
  const logged: Logged[] = [];
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const runner = new DefectiveRunner();
  const dispatcher = new Dispatcher({ runners: [runner], timeoutMs: 60_000, history: memoryHistory() });
  runner.breakCatalog();
  const served = serveMcpStdio({
    transport: 'mcp-stdio',
    signal: new AbortController().signal,
    dispatcher,
    news: new NewsFeed(),
    identity: { name: 'gateway-under-test', version: '1.0.0' },
    log: (level, _message, fields = {}) => void logged.push({ level, fields }),
    maxResultBytes: 1024 * 1024,
    maxLineBytes: 1024 * 1024,
    stdin,
    stdout,
  });
  const messages: Message[] = [];
  createInterface(stdout).on('line', (line) => messages.push(JSON.parse(line)));
  const send = (message: object) => stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const request = async (id: number, method: string, params: object) => {
    send({ id, method, params });
    await eventually(() => messages.some((message) => message.id === id));
    return messages.filter((message) => message.id === id && message.method === undefined);
  };
  const clientInfo = { name: 'test', version: '1' };
  const hello = { protocolVersion: '2025-11-25', capabilities: { elicitation: {} }, clientInfo };
  if (era === 'session') await request(0, 'initialize', hello);
  return {
    logged,
    dispatcher,
    async ask(id, method, params) {
      const meta = era === 'session' ? {} : ENVELOPE;
      await request(id, method, { ...params, _meta: { ...meta, ...(params['_meta'] ?? {}) } });
      await request(id + 1000, 'tools/call', { name: 'good', _meta: { progressToken: 'q', ...meta } });
      return messages.filter((message) => message.id === id);
    },
    async notify(method, params) {
      send({ method, params });
    },
    async close() {
      stdin.end();
      await served;
    },
  };
};

const defects: Readonly<Record<string, readonly [string, Readonly<Record<string, unknown>>]>> = {
  'while a call runs': ['tools/call', { name: 'breaks_off', ...STREAMED }],
  "in a call's result": ['tools/call', { name: 'ends_wrongly', ...STREAMED }],
  'in the catalog': ['prompts/list', {}],
};

const ofStatelessEra: typeof defects = {
  ...defects,
  'in the questions of a call': ['tools/call', { name: 'asks_wrongly', ...STREAMED }],
};

for (const [carrier, connect] of Object.entries({ HTTP: connectHttp, stdio: connectStdio })) {
  for (const era of ['session', 'stateless']) {
    describe(`a defect of the gateway, MCP over ${carrier}, ${era} era`, () => {
      let connection: Connection;
      beforeEach(async () => {
        connection = await connect(era);
      });
      afterEach(() => connection.close());

      const isWell = async () => {
        const [answer] = await connection.ask(99, 'tools/call', { name: 'good', ...STREAMED });
        expect(answer?.result?.['structuredContent']).to.deep.equal({ data: { ok: true } });
      };

      for (const [where, [method, params]] of Object.entries(
        era === 'stateless' ? ofStatelessEra : defects,
      )) {
        it(`${where} is answered once with -32603, logged once with its stack, and spoils nothing else`, async () => {
          const answers = await connection.ask(7, method, params);
          expect(answers).to.deep.equal([
            { jsonrpc: '2.0', id: 7, error: { code: -32603, message: 'the request failed' } },
          ]);
          const [{ level, fields } = { level: '', fields: {} }, ...more] = connection.logged;
          expect(more).to.deep.equal([]);
          expect([level, fields['method']]).to.deep.equal(['error', method]);
          expect((fields['error'] as Error).stack).to.match(/^(TypeError|SyntaxError): [\s\S]+\n +at /);
          await eventually(() => connection.dispatcher.callsInFlight === 0);
          if (method === 'tools/call') expect(fields['callId']).to.be.a('string');
          await isWell();
        });
      }
    });
  }

  describe(`a defect of the gateway, MCP over ${carrier}, beside any request`, () => {
    let connection: Connection;
    beforeEach(async () => {
      connection = await connect('session');
    });
    afterEach(() => connection.close());

    it('in a notification is logged, and the next message is read as ever', async () => {
      const waiting = connection.ask(5, 'tools/call', { name: 'waits', ...STREAMED });
      await eventually(() => connection.dispatcher.callsInFlight === 1);
      await connection.notify('notifications/cancelled', { requestId: 5 });
      await eventually(() => connection.logged.length > 0);
      expect(connection.logged.map(({ level }) => level)).to.deep.equal(['error']);
      expect(String(connection.logged[0]?.fields['error'])).to.contain('a defect in the cancel');
      const answers = await connection.ask(6, 'tools/call', { name: 'good', ...STREAMED });
      expect(answers).to.have.length(1);
      await connection.notify('notifications/cancelled', { requestId: 5 });
      if (carrier === 'HTTP') await waiting;
    });

    it('in a question is logged, and the tool learns that it gets no answer', async () => {
      const [answer] = await connection.ask(8, 'tools/call', { name: 'asks_wrongly', ...STREAMED });
      expect(answer?.result?.['structuredContent']?.['data']).to.match(
        /^ToolError: the client did not answer: the request failed$/,
      );
      const [{ level, fields } = { level: '', fields: {} }] = connection.logged;
      expect([level, fields['method'], typeof fields['callId']]).to.deep.equal(['error', 'elicit', 'string']);
      expect((fields['error'] as Error).stack).to.match(/^TypeError: [\s\S]+\n +at /);
    });

    it('in the run of a task fails the task', async () => {
      const params = { name: 'breaks_off', task: {}, ...STREAMED };
      const [created] = await connection.ask(9, 'tools/call', params);
      const { taskId } = (created?.result?.['task'] ?? {}) as { taskId?: string };
      const [told] = await connection.ask(10, 'tasks/result', { taskId });
      expect(told?.error).to.deep.equal({ code: -32603, message: 'the request failed' });
      const [state] = await connection.ask(11, 'tasks/get', { taskId });
      expect(state?.result).to.include({ status: 'failed', statusMessage: 'the request failed' });
      expect(connection.logged.map(({ level }) => level)).to.deep.equal(['error']);
    });
  });
}

describe('McpService', () => {
  const newService = () => {
    const logged: Logged[] = [];
    const news = new NewsFeed();
    const service = new McpService({
      transport: 'mcp-http',
      dispatcher: new Dispatcher({
        runners: [new ScriptedRunner(scripts)],
        timeoutMs: 1000,
        history: memoryHistory(),
      }),
      news,
      identity: { name: 'test', version: '1' },
      log: (level, _message, fields = {}) => void logged.push({ level, fields }),
      maxResultBytes: 1000,
    });
    return { service, news, logged };
  };

  it('tells the others of news when one of the listeners fails', () => {
    const { service, news, logged } = newService();
    const heard: string[] = [];
    service.onNews('a key', () => {
      throw new TypeError('a defect in a listener');
    });
    service.onNews('a key', ({ type }) => void heard.push(type));
    news.notice({ type: 'resource-updated', uri: 'test://a' });
    expect(heard).to.deep.equal(['updated']);
    expect(logged).to.have.length(1);
    expect(logged[0]?.fields['method']).to.equal('notifications/resources/updated');
  });

  it('logs that an answer cannot be written, and lets go of the request', () => {
    const { service, logged } = newService();
    let isOver = false;
    const outlet = {
      named() {},
      open() {},
      send() {},
      ready: () => undefined,
      respond() {
        throw new TypeError('a defect in the outlet');
      },
      abandon() {
        isOver = true;
      },
    };
    service.fail(new RangeError('the first'), { kind: 'request', id: 1, method: 'm', params: {} }, outlet);
    expect(logged.map(({ fields }) => (fields['error'] as Error).message)).to.deep.equal([
      'the first',
      'a defect in the outlet',
    ]);
    expect(isOver).to.equal(true);
  });
});
