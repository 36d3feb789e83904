import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { fixture } from '../../support/start-pool.ts';
import type { Message } from './wire-client.ts';

const bin = new URL('../../../bin/mcp-streaming-gateway.js', import.meta.url).pathname;
const tools = ['basic-tools', 'mcp-tools', 'conformance', 'noisy-tools'].map(
  (name) => new URL(fixture(name)).pathname,
);
const ENVELOPE = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
};
/** Three seconds, and what a busy machine takes besides; the tools that are cut off run for a minute. */
const EXIT_LIMIT_MS = 20_000;
/** A thread that is killed would not have noted what a test waits for, on a machine that is busy. */
const PATIENT = ['--cancel-grace', '15'];

/** The stdio server as a subprocess. */
class StdioServer {
  readonly process: ChildProcess;
  readonly lines: string[] = [];
  readonly #waiting: { test: (message: Message) => boolean; resolve: (message: Message) => void }[] = [];

  constructor(...options: string[]) {
    const args = [
      bin,
      'stdio',
      ...tools.flatMap((path) => ['--tools', path]),
      '--log-level',
      'ERROR',
      ...options,
    ];
    const env = { PATH: process.env['PATH'], DATA_DIR: mkdtempSync(join(tmpdir(), 'mcp-stdio-')) };
    this.process = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
    if (!this.process.stdout) throw new Error('no stdout');
    createInterface(this.process.stdout).on('line', (line) => {
      this.lines.push(line);
      const message: Message = JSON.parse(line);
      for (const { test, resolve } of this.#waiting) if (test(message)) resolve(message);
    });
  }

  send(...lines: (object | string | Buffer)[]): void {
    for (const line of lines) {
      const isRaw = typeof line === 'string' || Buffer.isBuffer(line);
      // At once: a server may read between two writes.
      const bytes = Buffer.from(isRaw ? line : JSON.stringify(line));
      this.process.stdin?.write(Buffer.concat([bytes, Buffer.from('\n')]));
    }
  }

  /** The first message, past or to come, that passes the test. */
  async message(test: (message: Message) => boolean): Promise<Message> {
    const past = this.lines.map((line) => JSON.parse(line) as Message).find(test);
    return past ?? new Promise((resolve) => this.#waiting.push({ test, resolve }));
  }

  async ask(id: string | number, method: string, params: object = {}): Promise<Message> {
    this.send({ jsonrpc: '2.0', id, method, params });
    return this.message((message) => message.id === id && message.method === undefined);
  }

  call(id: string | number, name: string, args: object = {}, meta: object = {}): Promise<Message> {
    return this.ask(id, 'tools/call', { name, arguments: args, _meta: meta });
  }

  async initialize(): Promise<void> {
    await this.ask('init', 'initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    });
    this.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  }

  /** Ends stdin. @returns exit code and how long the exit took. */
  async leave(): Promise<{ code: number | null; ms: number }> {
    const start = performance.now();
    const exit = this.process.exitCode === null ? once(this.process, 'exit') : [this.process.exitCode];
    this.process.stdin?.end();
    const [code] = await exit;
    return { code, ms: performance.now() - start };
  }
}

describe('the stdio transport', function () {
  this.timeout(60_000);
  let server: StdioServer;
  beforeEach(() => {
    server = new StdioServer();
  });
  afterEach(async () => {
    expect((await server.leave()).code).to.equal(0);
  });

  it('answers garbage, other JSON, too long lines and wrong UTF-8 with an error, and goes on', async () => {
    await server.initialize();
    server.send(
      'garbage',
      '[1]',
      '"a"',
      `"${'x'.repeat(1_100_000)}"`,
      Buffer.from([0x22, 0xff, 0x22]),
      '',
      '   ',
    );
    expect((await server.ask(1, 'ping')).result).to.deep.equal({});
    const errors = server.lines.map((line) => JSON.parse(line) as Message).filter(({ error }) => error);
    expect(errors.map(({ id }) => id)).to.deep.equal([null, null, null, null, null]);
    expect(errors.map(({ error }) => error?.code)).to.deep.equal([-32700, -32600, -32600, -32600, -32700]);
  });

  it('writes nothing but JSON-RPC to stdout, whatever a tool prints', async () => {
    await server.initialize();
    await server.call(1, 'print_everywhere');
    for (const line of server.lines) expect(JSON.parse(line)).to.include({ jsonrpc: '2.0' });
    expect(server.lines.join('\n')).not.to.include('noise');
  });

  it('serves both eras to one client', async () => {
    expect((await server.ask('d', 'server/discover', { _meta: ENVELOPE })).result).to.include({
      resultType: 'complete',
    });
    await server.initialize();
    expect((await server.call(1, 'echo', { text: 'a' })).result).not.to.have.property('resultType');
    expect((await server.call(2, 'echo', { text: 'a' }, ENVELOPE)).result).to.include({
      resultType: 'complete',
    });
  });

  it('refuses an incomplete envelope and an unknown version of the stateless era', async () => {
    const version = { ...ENVELOPE, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' };
    expect((await server.call(1, 'echo', {}, version)).error?.code).to.equal(-32022);
    const { 'io.modelcontextprotocol/protocolVersion': only } = ENVELOPE;
    const bare = { 'io.modelcontextprotocol/protocolVersion': only };
    expect((await server.call(2, 'echo', {}, bare)).error?.code).to.equal(-32602);
  });

  it('takes an id again after the request with it was cancelled in the same breath', async () => {
    await server.initialize();
    const ping = { jsonrpc: '2.0', id: 5, method: 'ping' };
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 5 } };
    server.send(`${JSON.stringify(ping)}\n${JSON.stringify(cancel)}`);
    await server.ask(6, 'ping');
    server.send(ping);
    await server.ask(7, 'ping');
    const answers = server.lines.map((line) => JSON.parse(line) as Message).filter(({ id }) => id === 5);
    expect(answers.map(({ error }) => error)).to.deep.equal([undefined]);
  });

  it('asks its client through input_required in the stateless era', async () => {
    const name = 'test_input_required_result_elicitation';
    const asked = (await server.call(1, name, {}, ENVELOPE)).result;
    const inputResponses = { user_name: { action: 'accept', content: { name: 'Ada' } } };
    const retry = {
      name,
      arguments: {},
      requestState: asked?.['requestState'],
      inputResponses,
      _meta: ENVELOPE,
    };
    const { result } = await server.ask(2, 'tools/call', retry);
    expect(result?.['content']?.[0]?.['text']).to.equal('Hello, Ada!');
  });

  it('exits within three seconds of the end of stdin, even while a tool spins', async () => {
    await server.initialize();
    server.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'spin', arguments: {} } });
    await server.call(2, 'echo', { text: 'a' });
    expect((await server.leave()).ms).to.be.lessThan(EXIT_LIMIT_MS);
  });

  it('exits within three seconds of SIGTERM, even while a tool spins', async () => {
    await server.initialize();
    server.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'spin', arguments: {} } });
    await server.call(2, 'echo', { text: 'a' });
    const start = performance.now();
    server.process.kill('SIGTERM');
    await once(server.process, 'exit');
    expect(performance.now() - start).to.be.lessThan(EXIT_LIMIT_MS);
  });

  it('exits when its reader is gone', async () => {
    await server.initialize();
    const exit = once(server.process, 'exit');
    server.process.stdout?.destroy();
    server.send(...Array.from({ length: 20 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'tools/list' })));
    await exit;
  });
});

describe('a call over the stdio transport', () => {
  let server: StdioServer;
  beforeEach(() => {
    server = new StdioServer(...PATIENT);
  });
  afterEach(async () => {
    expect((await server.leave()).code).to.equal(0);
  });

  for (const [era, meta] of [
    ['with sessions', {}],
    ['stateless', ENVELOPE],
  ] as const) {
    for (const id of [0, 'zero']) {
      it(`is cancelled, and answered no more, id ${JSON.stringify(id)} (${era})`, async () => {
        await server.initialize();
        const key = `stdio-${era}-${id}`;
        const call = { name: 'until_cancelled', arguments: { key }, _meta: meta };
        server.send({ jsonrpc: '2.0', id, method: 'tools/call', params: call });
        let polls = 1;
        const state = async () =>
          (await server.call(++polls, 'cancel_state', { key })).result?.['structuredContent']?.['state'];
        while ((await state()) !== 'running');
        server.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });
        while ((await state()) !== 'cancelled');
        expect(server.lines.filter((line) => JSON.parse(line).id === id)).to.deep.equal([]);
      });
    }
  }
});

describe('a pipe into the stdio transport', () => {
  it('gets every answer before the gateway exits at its end', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'mcp-stdio-'));
    const child = spawn(process.execPath, [bin, 'stdio', '--tools', tools[0] ?? '', '--log-level', 'ERROR'], {
      env: { PATH: process.env['PATH'], DATA_DIR: dataDir },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const params = { name: 'report', arguments: { n: 2, everyMs: 100 }, _meta: { progressToken: 1 } };
    child.stdin.end(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })}\n`);
    const lines = (await text(child.stdout)).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).id ?? 'progress')).to.deep.equal(['progress', 'progress', 1]);
  });
});

describe('the last line of stdin', () => {
  for (const options of [[], ['--supervise']]) {
    it(`is read without a line end too (${options[0] ?? 'alone'})`, async () => {
      const env = { PATH: process.env['PATH'], DATA_DIR: mkdtempSync(join(tmpdir(), 'mcp-stdio-')) };
      const args = [bin, 'stdio', '--tools', tools[0] ?? '', '--log-level', 'ERROR', ...options];
      const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'ignore'] });
      const ping = (id: number) => JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' });
      child.stdin.end(`${ping(1)}\n${ping(2)}`);
      const lines = (await text(child.stdout)).trim().split('\n');
      expect(lines.map((line) => JSON.parse(line).id)).to.deep.equal([1, 2]);
    });
  }
});
