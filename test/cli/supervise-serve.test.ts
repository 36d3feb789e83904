/** `serve --supervise`: a gateway that dies refuses nobody, and its supervisor is else not there. */
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { isAlive, Programs, type RunningProgram } from './run-program.ts';

const HEADERS = { 'x-api-key': 'super-secret', 'content-type': 'application/json', connection: 'close' };

const TOOLS = `
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { defineTool } from 'mcp-streaming-gateway';
export const pid = defineTool({ name: 'pid', description: 'Says which process it is in.', async run() {
  return process.pid;
} });
export const crash = defineTool({ name: 'crash', description: 'Kills the process.', async run() {
  process.kill(process.pid, 'SIGSEGV');
} });
export const slow = defineTool({ name: 'slow', description: 'Waits.', async *run() {
  yield 'started';
  while (!existsSync('let-go')) await delay(20);
  return 'ended';
} });
`;

describe('mcp-streaming-gateway serve --supervise', function () {
  this.timeout(60_000);
  before(function () {
    if (process.platform !== 'linux') this.skip(); // it looks at processes in /proc
  });
  let programs: Programs;
  let toolFile: string;
  beforeEach(() => {
    programs = new Programs();
    toolFile = join(programs.folder, 'tools.js');
    writeFileSync(toolFile, TOOLS);
  });
  afterEach(() => programs.stop());

  async function start(
    args: readonly string[] = [],
    env: Record<string, string> = {},
  ): Promise<{ program: RunningProgram; url: string }> {
    const flags = ['--supervise', '--port', '0', '--tools', toolFile, ...args];
    const program = programs.start(flags, { env });
    const [, url = ''] = await program.said(/listens on (\S+)\n[\s\S]*curl .*\n\n/);
    return { program, url };
  }

  /**
   * A module that every gateway loads first: what it throws ends one sooner than a tool could, so that restarts are close
   * together also where the machine is slow.
   */
  const startPreloading = async () => {
    const preload = join(programs.folder, 'preload.mjs');
    writeFileSync(preload, '');
    const started = await start([], { NODE_OPTIONS: `--import ${pathToFileURL(preload).href}` });
    return { ...started, preload };
  };

  /** Lets the calls of `slow` end. */
  const letGo = () => writeFileSync(join(programs.folder, 'let-go'), '');

  const post = (url: string, path: string): Promise<Response> =>
    fetch(`${url}/tools/${path}`, { method: 'POST', headers: HEADERS, body: '{}' });

  const pidOf = async (url: string): Promise<number> => {
    const { data } = (await (await post(url, 'pid')).json()) as { data: number };
    return data;
  };

  /** Status of `GET /health` over a connection of its own, or the code of what became of it. */
  const probe = (url: string): Promise<number | string | undefined> =>
    new Promise((resolve) => {
      get(`${url}/health`, { agent: false }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      }).on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    });

  it('refuses no connection while gateways crash; only calls of the dead one break', async () => {
    const { program, url } = await start();
    const pids = new Set([await pidOf(url)]);
    const probes: Promise<number | string | undefined>[] = [];
    const probing = setInterval(() => probes.push(probe(url)), 10);
    for (const _ of [1, 2]) {
      const failure = await post(url, 'crash').catch((error) => error.cause?.code ?? error);
      expect(failure).to.be.oneOf(['UND_ERR_SOCKET', 'ECONNRESET']);
      pids.add(await pidOf(url));
    }
    clearInterval(probing);
    const results = await Promise.all(probes);
    expect(pids.size).to.equal(3);
    expect(pids).not.to.include(program.process.pid);
    expect(results.filter((result) => result === 200).length).to.be.above(10);
    // A probe that a dying gateway had accepted breaks with it; none is refused.
    expect(results.filter((result) => result !== 200 && result !== 'ECONNRESET')).to.deep.equal([]);
    const [said] = await program.said(/[\s\S]*/);
    expect(said.match(/the gateway ended by SIGSEGV; another starts now/g)).to.have.length(2);
    expect(said.match(/listens on \S+ again/g)).to.have.length(2);
    expect(programs.memoryMib(program), 'the supervisor alone').to.be.below(80);
    program.process.kill('SIGTERM');
    expect(await program.ended).to.include({ code: 0, stdout: '' });
  });

  it('restarts a gateway that does not start ever more slowly, and lets its callers wait', async () => {
    const { program, url, preload } = await startPreloading();
    writeFileSync(preload, `throw new Error('half written');`);
    await post(url, 'crash').catch(() => 'died with its call');
    const waiting = probe(url);
    await program.said(/another starts in 0\.2 s/);
    const [said] = await program.said(/[\s\S]*/);
    expect(said.match(/another starts now/g)).to.have.length(5);
    expect(said).to.match(/half written[\s\S]*the gateway ended with exit code 1/);
    writeFileSync(preload, '');
    expect(await waiting).to.equal(200);
    program.process.kill('SIGTERM');
    expect((await program.ended).code).to.equal(0);
  });

  it('stops at once between two gateways', async () => {
    const { program, url, preload } = await startPreloading();
    writeFileSync(preload, `throw new Error('half written');`);
    await post(url, 'crash').catch(() => 'died with its call');
    await program.said(/another starts in 1\.6 s/);
    program.process.kill('SIGTERM');
    expect((await program.ended).code).to.equal(0);
  });

  it('is no more than its gateway when both get a signal: calls end, exit 0', async () => {
    const { program, url } = await start();
    const pid = await pidOf(url);
    const response = await post(url, 'slow/stream');
    program.process.kill('SIGTERM');
    process.kill(pid, 'SIGTERM');
    await program.said(/SIGTERM: new calls are refused/);
    expect((await post(url, 'pid')).status).to.equal(503);
    letGo();
    expect(await response.text()).to.contain('"data":"ended"');
    expect((await program.ended).code).to.equal(0);
    await eventually(() => !isAlive(pid));
  });

  it('ends itself and its gateway with 1 at a second signal', async () => {
    const { program, url } = await start();
    const pid = await pidOf(url);
    const response = await post(url, 'slow/stream');
    program.process.kill('SIGINT');
    await program.said(/SIGINT/);
    program.process.kill('SIGINT');
    expect((await program.ended).code).to.equal(1);
    await eventually(() => !isAlive(pid));
    await response.text().catch(() => 'cut off, as it must be');
  });

  it('leaves no gateway behind when it is killed while that one starts', async () => {
    const program = programs.start(['--supervise', '--port', '0', '--tools', toolFile]);
    const children = `/proc/${program.process.pid}/task/${program.process.pid}/children`;
    const pid = await eventually(() => Number(readFileSync(children, 'utf8').trim()));
    program.process.kill('SIGKILL');
    await eventually(() => !isAlive(pid));
  });

  it('leaves no gateway behind when it is killed, and lets its calls end', async () => {
    const { program, url } = await start();
    const pid = await pidOf(url);
    const response = await post(url, 'slow/stream');
    const exit = once(program.process, 'exit');
    program.process.kill('SIGKILL');
    await exit;
    letGo();
    expect(await response.text()).to.contain('"data":"ended"');
    await eventually(() => !isAlive(pid));
  });

  it('loads changed tools anew with --reload', async () => {
    const { url } = await start(['--reload']);
    writeFileSync(toolFile, `${TOOLS.replaceAll(`'pid'`, `'renamed'`)}`);
    await eventually(async () => (await post(url, 'renamed')).status === 200);
  });

  it('tells why it cannot start as without it, with the same exit code', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    for (const [args, code, words] of [
      [['--port', String(port)], 1, `port ${port} on 127.0.0.1 is in use`],
      [['--port', '0', '--tools', './missing.js'], 1, 'missing.js'],
      [['--port', 'x'], 2, 'PORT (--port) is "x"'],
    ] as const) {
      const ended = await programs.run(['--supervise', ...args]);
      expect(ended, args.join(' '))
        .to.deep.equal(await programs.run(args))
        .and.to.include({ code });
      expect(ended.stderr).to.contain(words);
    }
    other.close();
  });
});
