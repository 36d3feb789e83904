/** A gateway whose tools run in child processes: some of them, or all. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { eventually } from './support/eventually.ts';
import { startGatewayProcess } from './support/gateway-process.ts';
import { startGateway, type TestGateway } from './support/start-gateway.ts';
import { fixture } from './support/start-pool.ts';
import { isAlive } from './support/start-processes.ts';

const KEY = { 'X-API-Key': 'super-secret' };
const BIN = fileURLToPath(new URL('../bin/mcp-streaming-gateway.js', import.meta.url));
const TOOLS = fixture('process-tools');

interface ProcessFigures {
  readonly workers: readonly { readonly pid: number }[];
}

const post = async (url: string, tool: string, args: object): Promise<Record<string, unknown>> => {
  const answer = await fetch(`${url}/tools/${tool}`, {
    method: 'POST',
    headers: { ...KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify({ arguments: args }),
  });
  return answer.json() as Promise<Record<string, unknown>>;
};
const get = async (url: string, path: string) =>
  (await fetch(`${url}${path}`, { headers: KEY })).json() as Promise<Record<string, unknown>>;

describe('a gateway with tools in processes', function () {
  this.timeout(60_000);
  let gateway: TestGateway | null = null;
  afterEach(async () => {
    await gateway?.close();
    gateway = null;
  });

  const statsOf = async (): Promise<ProcessFigures | undefined> => {
    const { runners } = (await get(gateway?.url ?? '', '/stats')) as {
      runners?: { process: ProcessFigures };
    };
    return runners?.process;
  };

  it('runs those that ask for one there, and shows them beside the threads', async () => {
    gateway = await startGateway({ tools: [fixture('basic-tools'), TOOLS] });
    const { url } = gateway;
    const health = await get(url, '/health');
    expect(health).to.have.nested.property('runners.process.workers.alive', 0);
    expect(health).to.have.nested.property('workers.alive').that.is.above(0);
    const { data: pid } = await post(url, 'process_pid', {});
    expect(pid).to.be.a('number').and.not.to.equal(process.pid);
    expect((await statsOf())?.workers.map((worker) => worker.pid)).to.deep.equal([pid]);
    expect(await post(url, 'attack', { how: 'segv' })).to.have.property('code', 'worker_crashed');
    expect(await post(url, 'echo', { text: 'a' })).to.have.deep.property('data', { text: 'a' });
    const { tools } = (await get(url, '/tools')) as unknown as { tools: { name: string }[] };
    expect(tools.map(({ name }) => name)).to.include.members(['attack', 'echo', 'primes_tool']);
  });

  it('keeps tools on threads from what one in a process did to the built-ins', async () => {
    gateway = await startGateway({ tools: [fixture('basic-tools'), TOOLS] });
    const { url } = gateway;
    expect(await post(url, 'attack', { how: 'poison' })).to.have.property('data', 'poisoned');
    expect(await post(url, 'count', { n: 2 })).to.have.deep.property('data', [{ i: 0 }, { i: 1 }]);
    expect((await get(url, '/health'))['workers']).to.include({ restarts: 0 });
  });

  it('starts no process, and shows none, where no tool asks for one', async () => {
    gateway = await startGateway();
    expect(await get(gateway.url, '/health')).not.to.have.property('runners');
    expect(await statsOf()).to.equal(undefined);
  });

  it('runs them all there with ISOLATION=process, the built-in ones too', async () => {
    gateway = await startGateway({ isolation: 'process', tools: [fixture('basic-tools'), TOOLS] });
    const { url } = gateway;
    const { data: pid } = await post(url, 'process_pid', {});
    const health = await get(url, '/health');
    expect(health).not.to.have.property('runners');
    expect(health).to.have.nested.property('workers.alive').that.is.above(0);
    const { workers } = (await get(url, '/stats')) as unknown as ProcessFigures;
    expect(workers.map((worker) => worker.pid)).to.include(pid);
    const found = await post(url, 'primes_tool', { from: 0, to: 20 });
    expect(found).to.have.property('status', 'success');
    const made = await post(url, 'journeys_tool', {
      action: 'create',
      journey: { name: 'a', origin: 'b', destination: 'c' },
    });
    expect(made).to.have.property('status');
    expect(await post(url, 'attack_shared', { how: 'segv' })).to.have.property('code', 'worker_crashed');
    expect(await post(url, 'echo', { text: 'a' })).to.have.deep.property('data', { text: 'a' });
  });

  it('moves a tool that a reload finds with another isolation', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gateway-test-'));
    const module = join(folder, 'mover.mjs');
    const write = (isolation: string) =>
      writeFileSync(
        module,
        `import { defineTool } from 'mcp-streaming-gateway';
         export const mover = defineTool({ name: 'mover', description: 'x', isolation: '${isolation}',
           async run() { return process.pid; } });`,
      );
    write('shared');
    gateway = await startGateway({ tools: [module] });
    const { url } = gateway;
    expect((await post(url, 'mover', {}))['data']).to.equal(process.pid);
    for (const isolation of ['process', 'exclusive', 'process']) {
      write(isolation);
      await gateway.gateway.reload();
      const { data } = await post(url, 'mover', {});
      expect(data === process.pid, isolation).to.equal(isolation !== 'process');
      await eventually(async () => (await get(url, '/health'))['status'] === 'ok', { what: 'all threads' });
    }
    rmSync(folder, { recursive: true });
  });

  it('leaves no process behind when it is killed', async () => {
    const under = await startGatewayProcess({ env: { TOOLS, ISOLATION: 'process', LOG_LEVEL: 'ERROR' } });
    const { data } = (await post(under.url, 'attack', { how: 'grandchild' })) as {
      data: { pid: number; parent: number };
    };
    const spinning = post(under.url, 'attack', { how: 'spin' }).catch(() => undefined);
    const { workers } = (await get(under.url, '/stats')) as unknown as ProcessFigures;
    const pids = [data.pid, data.parent, ...workers.map(({ pid }) => pid)];
    expect(pids.filter(isAlive)).to.deep.equal(pids);
    await under.end('SIGKILL');
    await spinning;
    await eventually(() => pids.filter(isAlive).length === 0, { what: 'the end of all processes' });
  });

  it('lets nothing through to the stdout of a stdio client', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'gateway-test-'));
    const child = spawn(process.execPath, [BIN, 'stdio'], {
      env: { PATH: process.env['PATH'], TOOLS, DATA_DIR: dataDir, LOG_LEVEL: 'ERROR' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const ask = async (id: number, method: string, params: object) => {
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      return JSON.parse((await lines.next()).value) as Record<string, unknown>;
    };
    const clientInfo = { name: 'test', version: '1' };
    await ask(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
    const call = (id: number, how: string) => ask(id, 'tools/call', { name: 'attack', arguments: { how } });
    expect(await call(2, 'write')).to.have.property('id', 2);
    expect(await call(3, 'segv')).to.have.property('id', 3);
    expect(await call(4, 'write')).to.have.property('id', 4);
    child.stdin.end();
    await once(child, 'close');
    expect(stderr).to.contain('written to descriptor 1');
    rmSync(dataDir, { recursive: true });
  });
});
