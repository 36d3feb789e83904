/** Over stdio no line is longer than what the clients of the official SDKs take. */
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect } from 'chai';
import type { ToolEvent } from '../../../lib/call/call-events.ts';
import type { Catalog } from '../../../lib/call/catalog.ts';
import { ToolError } from '../../../lib/call/tool-error.ts';
import { Dispatcher } from '../../../lib/dispatch/dispatcher.ts';
import { serveMcpStdio } from '../../../lib/transports/mcp/stdio/stdio-connection.ts';
import { NewsFeed } from '../../../lib/transports/news.ts';
import { eventually } from '../../support/eventually.ts';
import { memoryHistory } from '../../support/memory-history.ts';
import { failure, result, type Script, ScriptedRunner } from '../scripted-runner.ts';
import { whole } from './every-client.ts';
import { stdioCommand } from './stdio-command.ts';
import type { Message } from './wire-client.ts';

const LIMIT = 10 * 1024 * 1024;
const MB = 1_000_000;
const STATELESS = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
};

const text = (size: unknown): string => 'x'.repeat(Number(size));

const scripts: Readonly<Record<string, Script>> = {
  async *gives({ arguments: { size, unit = 'x' } }) {
    yield result(String(unit).repeat(Number(size)));
  },
  async *gives_object({ arguments: { size } }) {
    yield { ...result({ a: text(size) }), shape: 'object' } as ToolEvent;
  },
  async *gives_content({ arguments: { size } }) {
    const content = [{ type: 'text', text: text(size) }];
    yield { ...result({ content }), shape: 'content' } as ToolEvent;
  },
  async *puts_in_meta({ arguments: { size } }) {
    yield result('a', 0, { m: text(size) });
  },
  async *fails({ arguments: { size, code = 'conflict' } }) {
    const details = { requiredCapabilities: { a: text(size) } };
    yield failure(new ToolError(code as 'conflict', 'it failed', { details }));
  },
  async *fails_at_length({ arguments: { size } }) {
    yield failure(new ToolError('tool_failed', text(size)));
  },
  async *streams({ arguments: { size, n } }) {
    yield { type: 'started' };
    const items = Array<string>(Number(n)).fill(JSON.stringify(text(size)));
    yield { type: 'chunks', index: 0, items };
    yield { type: 'chunks', index: items.length, items: ['"last"'] };
    yield result('streamed', items.length + 1);
  },
  async *logs({ arguments: { size } }) {
    yield { type: 'started' };
    yield { type: 'log', level: 'error', message: text(size) };
    yield { type: 'log', level: 'error', message: 'short' };
    yield result('logged');
  },
  async *asks({ arguments: { size }, answers }) {
    yield { type: 'started' };
    yield { type: 'ask', ask: 1, method: 'elicit', params: { message: text(size) } };
    await eventually(() => answers.has(1));
    yield result(String(answers.get(1)));
  },
};

/** Two of its tools have descriptions of 6 MB, so that no page holds both. */
class WordyRunner extends ScriptedRunner {
  constructor() {
    super(scripts);
    const tools = this.catalog.tools.map((tool, at) =>
      at < 2 ? { ...tool, description: text(6 * MB) } : tool,
    );
    Object.assign(this, { catalog: { ...this.catalog, tools } satisfies Catalog });
  }
}

describe('the lines of MCP over stdio', () => {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const logged: string[] = [];
  const lines: string[] = [];
  let served: Promise<void>;
  let ids = 0;

  const send = (message: object) => stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  /** The messages since the request, its answer last. */
  async function ask(method: string, params: object, id: string | number = ++ids): Promise<Message[]> {
    const from = lines.length;
    send({ id, method, params });
    let answer = -1;
    const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},`;
    const isAnswer = (line: string) => line.startsWith(head) || line.includes(`"id":${JSON.stringify(id)}}`);
    await eventually(() => {
      answer = lines.slice(from).findIndex(isAnswer);
      return answer >= 0;
    });
    const messages = lines.slice(from).map((line) => JSON.parse(line) as Message);
    return messages.slice(0, answer + 1);
  }
  const call = (name: string, args: object, meta: object = {}) =>
    ask('tools/call', { name, arguments: args, _meta: { progressToken: 'p', ...meta } }); // a scripted call that streams is read by its transport alone
  const resultOf = async (name: string, args: object, meta?: object) =>
    (await call(name, args, meta)).at(-1)?.result as Record<string, never> | undefined;
  const codeOf = (answer: Record<string, never> | undefined) =>
    answer?.['_meta']?.['io.github.mcp-streaming-gateway/error']?.['code'];

  before(async () => {
    served = serveMcpStdio({
      transport: 'mcp-stdio',
      signal: new AbortController().signal,
      dispatcher: new Dispatcher({
        runners: [new WordyRunner()],
        timeoutMs: 60_000,
        history: memoryHistory(),
      }),
      news: new NewsFeed(),
      identity: { name: 'gateway-under-test', version: '1.0.0' },
      log: (_level, message) => void logged.push(message),
      maxResultBytes: 100 * MB,
      maxLineBytes: 30 * MB,
      stdin,
      stdout,
    });
    createInterface(stdout).on('line', (line) => lines.push(line));
    const clientInfo = { name: 'test', version: '1' };
    await ask('initialize', { protocolVersion: '2025-11-25', capabilities: { elicitation: {} }, clientInfo });
    await ask('logging/setLevel', { level: 'error' });
  });
  after(async () => {
    stdin.end();
    await served;
    for (const line of lines) expect(Buffer.byteLength(line) + 1).to.be.at.most(LIMIT);
  });

  for (const [era, meta] of [
    ['with sessions', {}],
    ['stateless', STATELESS],
  ] as const) {
    it(`has the text copy of a result while both fit (${era})`, async () => {
      const answer = await resultOf('gives', { size: 4 * MB }, meta);
      expect(answer?.['content']?.[0]?.['text']).to.have.length.at.least(4 * MB);
      expect(answer?.['structuredContent']?.['data']).to.have.length(4 * MB);
    });

    for (const name of ['gives', 'gives_object']) {
      it(`says in one sentence where the result is when they do not: ${name} (${era})`, async () => {
        const answer = await resultOf(name, { size: 9 * MB }, meta);
        expect(answer?.['content']).to.have.length(1);
        expect(answer?.['content']?.[0]?.['text']).to.match(/structuredContent/);
        const whole = answer?.['structuredContent'] as { data?: string; a?: string } | undefined;
        expect(whole?.data ?? whole?.a).to.have.length(9 * MB);
        expect(answer).not.to.have.property('isError');
      });
    }

    for (const name of ['gives', 'gives_object', 'gives_content', 'puts_in_meta']) {
      it(`ends result_too_large where that does not help: ${name} (${era})`, async () => {
        const answer = await resultOf(name, { size: 11 * MB }, meta);
        expect(answer?.['isError']).to.equal(true);
        expect(codeOf(answer)).to.equal('result_too_large');
      });
    }

    it(`counts bytes, not characters (${era})`, async () => {
      const answer = await resultOf('gives', { size: 2 * MB, unit: '\u20ac' }, meta);
      expect(answer?.['content']?.[0]?.['text']).to.match(/structuredContent/);
      expect(answer?.['structuredContent']?.['data']).to.have.length(2 * MB);
    });

    it(`keeps the code of an error whose details are too long (${era})`, async () => {
      const conflict = await resultOf('fails', { size: 11 * MB }, meta);
      expect([codeOf(conflict), conflict?.['content']?.[0]?.['text']]).to.deep.equal([
        'conflict',
        'it failed',
      ]);
      const atLength = await resultOf('fails_at_length', { size: 11 * MB }, meta);
      expect(codeOf(atLength)).to.equal('tool_failed');
      const [refused] = await call('fails', { size: 11 * MB, code: 'invalid_request' }, meta);
      expect(refused?.error).to.include({ code: -32600, message: 'it failed' });
    });

    it(`splits chunks that were sent together (${era})`, async () => {
      const messages = await call('streams', { size: 3 * MB, n: 7 }, meta);
      const chunks = messages.flatMap(({ params }) => {
        const chunk = params?._meta?.['io.github.mcp-streaming-gateway/chunk'] as
          | { index: number; items: string[] }
          | undefined;
        return chunk ? [chunk] : [];
      });
      expect(chunks.map(({ index, items }) => [index, items.length])).to.deep.equal([
        [0, 3],
        [3, 3],
        [6, 1],
        [7, 1],
      ]);
      expect(chunks.flatMap(({ items }) => items).map(({ length }) => length)).to.deep.equal([
        ...Array<number>(7).fill(3 * MB),
        4,
      ]);
      const values = messages.slice(0, -1).map(({ params }) => Number(params?.['progress']));
      expect(values).to.deep.equal([...values].sort((a, b) => a - b));
      expect(new Set(values).size).to.equal(values.length);
    });

    it(`ends result_too_large at a chunk that fits no line (${era})`, async () => {
      const messages = await call('streams', { size: 11 * MB, n: 1 }, meta);
      expect(codeOf(messages.at(-1)?.result as never)).to.equal('result_too_large');
      expect(messages).to.have.length(1);
    });

    it(`leaves out a log message that is too long, and says so to the operator (${era})`, async () => {
      logged.length = 0;
      const level = { 'io.modelcontextprotocol/logLevel': 'error' };
      const messages = await call('logs', { size: 11 * MB }, { ...meta, ...level });
      expect(messages.map(({ method }) => method)).to.deep.equal(['notifications/message', undefined]);
      expect(logged).to.have.length(1);
    });

    it(`lists in pages that fit (${era})`, async () => {
      const names: string[] = [];
      let cursor: unknown;
      let pages = 0;
      do {
        const [answer] = await ask('tools/list', { cursor, _meta: meta });
        names.push(...((answer?.result?.['tools'] ?? []) as { name: string }[]).map(({ name }) => name));
        cursor = answer?.result?.['nextCursor'];
        pages++;
      } while (cursor !== undefined && pages < 10);
      expect(pages).to.equal(2);
      expect(names.sort()).to.deep.equal(Object.keys(scripts).sort());
    });
  }

  it('answers a request whose id fits no line', async () => {
    const from = lines.length;
    send({ id: text(11 * MB), method: 'ping' });
    await eventually(() => lines.length > from);
    expect(JSON.parse(lines.at(-1) ?? '')).to.deep.include({ id: null });
    send({ id: text(11 * MB), method: 1 });
    await eventually(() => lines.length > from + 1);
    expect(JSON.parse(lines.at(-1) ?? '')).to.deep.include({ id: null });
  });

  it('asks nothing that is too long, and tells the tool', async () => {
    const answer = await resultOf('asks', { size: 11 * MB }, {});
    expect(answer?.['structuredContent']?.['data']).to.contain('longer than');
    const [stateless] = await call('asks', { size: 11 * MB }, STATELESS);
    expect(stateless?.error?.data?.['code']).to.equal('result_too_large');
  });
});

describe('an SDK client over stdio', function () {
  this.timeout(180_000); // it copies what it has read with every part of a line
  it('lives through results and streams of any size', async () => {
    const command = stdioCommand(['mcp-tools']);
    const transport = new StdioClientTransport({
      ...command,
      args: [...command.args, '--max-result-bytes', String(64 * 1024 * 1024)],
    });
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(transport);
    try {
      const wide = async (n: number, size: number) => {
        let bytes = 0;
        const answer = await client.callTool({ name: 'wide_stream', arguments: { n, size } }, undefined, {
          onprogress: (progress) => {
            const chunk = (progress as { _meta?: Record<string, { items: string[] }> })._meta;
            for (const item of chunk?.['io.github.mcp-streaming-gateway/chunk']?.items ?? [])
              bytes += item.length;
          },
        });
        return { answer, bytes };
      };
      const { answer, bytes } = await whole(
        () => wide(9, MB),
        (brought) => brought.bytes === 9 * MB,
      );
      expect(bytes).to.equal(9 * MB);
      expect((answer['structuredContent'] as { data: string[] }).data).to.have.length(9);
      expect((await wide(1, 12 * MB)).answer['isError']).to.equal(true);
      expect((await wide(1, 10)).answer['isError']).to.equal(undefined);
    } finally {
      await client.close();
    }
  });
});
