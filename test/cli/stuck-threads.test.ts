/** A thread in native code, which nothing can end: the programs end all the same, with the exit code they would have. */
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { type Fifo, makeFifo } from '../support/fifo.ts';
import { Programs, type RunningProgram } from './run-program.ts';

const STUCK_TOOLS = fileURLToPath(new URL('../fixtures/stuck-tools.js', import.meta.url));
const ENV = { CANCEL_GRACE: '0.1', DRAIN_TIMEOUT: '0.1' };

describe('a program with a thread that is stuck in native code', function () {
  this.timeout(60_000);
  let programs: Programs;
  let fifo: Fifo;
  before(function () {
    if (process.platform === 'win32') this.skip();
  });
  beforeEach(() => {
    programs = new Programs();
    fifo = makeFifo(programs.folder);
  });
  afterEach(async () => {
    fifo.release();
    await programs.stop();
  });

  const serve = async (...flags: string[]): Promise<RunningProgram> => {
    const program = programs.start(['--port', '0', '--tools', STUCK_TOOLS, ...flags], { env: ENV });
    const [, url] = await program.said(/listens on (\S+)/);
    const headers = { 'X-API-Key': 'super-secret', 'Content-Type': 'application/json' };
    const body = JSON.stringify({ arguments: { path: fifo.path } });
    const response = await fetch(`${url}/tools/stuck_in_open/stream`, { method: 'POST', headers, body });
    await response.body?.getReader().read();
    return program;
  };

  const endOf = async (program: RunningProgram) => {
    const { code, signal } = await program.ended;
    return { code, signal };
  };

  for (const flags of [[], ['--supervise']]) {
    const name = flags.length > 0 ? ` (${flags})` : '';
    it(`ends at SIGTERM with 0${name}`, async () => {
      const program = await serve(...flags);
      program.process.kill('SIGTERM');
      expect(await endOf(program)).to.deep.equal({ code: 0, signal: null });
    });

    it(`ends at a second signal with 1${name}`, async () => {
      const program = await serve(...flags);
      program.process.kill('SIGINT');
      await program.said(/SIGINT/);
      program.process.kill('SIGINT');
      expect(await endOf(program)).to.deep.equal({ code: 1, signal: null });
    });
  }

  it('ends with 0 when the client over stdio leaves', async () => {
    const program = programs.start(['--tools', STUCK_TOOLS], { program: 'stdio', env: ENV });
    const { stdin, stdout } = program.process;
    const send = (message: object) => stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
    const clientInfo = { name: 'test', version: '1' };
    const handshake = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
    const started = new Promise<void>((resolve) => {
      stdout.on('data', (text: string) => text.includes('"progressToken"') && resolve());
    });
    send({ id: 1, method: 'initialize', params: handshake });
    send({ method: 'notifications/initialized' });
    const params = { name: 'stuck_in_open', arguments: { path: fifo.path }, _meta: { progressToken: 'p' } };
    send({ id: 2, method: 'tools/call', params });
    await started;
    stdin.end();
    expect(await endOf(program)).to.deep.equal({ code: 0, signal: null });
  });

  it('ends with 1 when a call was all there was to do', async () => {
    const program = programs.start(
      ['call', 'stuck_in_open', JSON.stringify({ path: fifo.path }), '--tools', STUCK_TOOLS],
      { env: { ...ENV, MCP_REQUEST_TIMEOUT: '0.5' } },
    );
    const { code, signal, stdout } = await program.ended;
    expect({ code, signal }).to.deep.equal({ code: 1, signal: null });
    expect(stdout).to.contain('deadline_exceeded').and.contain('"complete"');
  });
});
