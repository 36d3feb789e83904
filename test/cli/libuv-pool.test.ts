/** The threads of libuv that all calls share: enough of them, and told of when calls hold all. */
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { until } from '../stories/marks.ts';
import { type Fifo, makeFifo } from '../support/fifo.ts';
import { Programs, type RunningProgram } from './run-program.ts';

const STUCK_TOOLS = fileURLToPath(new URL('../fixtures/stuck-tools.js', import.meta.url));
const HEADERS = { 'X-API-Key': 'super-secret', 'Content-Type': 'application/json' };

describe("libuv's pool of threads", function () {
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

  const urlOf = async (program: RunningProgram) => (await program.said(/listens on (\S+)/))[1] ?? '';
  const post = (url: string, args: object) =>
    fetch(url, { method: 'POST', headers: HEADERS, body: JSON.stringify({ arguments: args }) });
  const hold = async (url: string, count: number) => {
    const response = await post(`${url}/tools/pool_hog/stream`, { path: fifo.path, count });
    await response.body?.getReader().read();
  };
  const health = async (url: string) => (await fetch(`${url}/health`)).json() as Promise<{ status: string }>;

  it('has two for each thread of tools and four more, so that sixteen slow files leave room for others', async () => {
    const program = programs.start(['--port', '0', '--tools', STUCK_TOOLS], { program: 'bin' });
    const url = await urlOf(program);
    await hold(url, 16);
    const response = await post(`${url}/tools/reader`, { path: STUCK_TOOLS });
    expect(await response.json()).to.include({ status: 'success', data: true });
    // It may seem stalled for a moment where the machine is.
    await until(async () => (await health(url)).status === 'ok', 'good health');
  });

  it('has what UV_THREADPOOL_SIZE says; while calls hold all of it, health and log say so', async () => {
    const env = { UV_THREADPOOL_SIZE: '5' };
    const program = programs.start(['--port', '0', '--tools', STUCK_TOOLS], { program: 'bin', env });
    const url = await urlOf(program);
    await until(async () => (await health(url)).status === 'ok', 'good health');
    await hold(url, 5);
    await until(async () => (await health(url)).status === 'degraded', 'degraded health');
    expect(await health(url)).to.include({ libuv: 'stalled' });
    fifo.release();
    await until(async () => (await health(url)).status === 'ok', 'good health');
    await program.said(/pool does not answer/);
    await program.said(/pool answers again/);
  });
});
