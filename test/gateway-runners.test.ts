/** A gateway with a runner of its user's beside the threads. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createGateway, type Runner, type ToolError } from '../lib/index.ts';
import { DelayedRunner } from './fixtures/delayed-runner.ts';
import { eventually } from './support/eventually.ts';
import { startGateway, type TestGateway } from './support/start-gateway.ts';

const KEY = { 'X-API-Key': 'super-secret' };

describe('a gateway and its runners', () => {
  let gateway: TestGateway | null = null;
  afterEach(() => gateway?.close());

  const newRunner = (name: string) =>
    new DelayedRunner({
      tools: {
        async *[name]({ n }) {
          for (let i = 0; i < Number(n); i++) yield i;
        },
      },
    });
  const getJson = async (path: string) =>
    (await fetch(`${gateway?.url}${path}`, { headers: KEY })).json() as Promise<Record<string, unknown>>;

  it('serves their tools beside those of the threads, and shows their figures', async () => {
    const runner = newRunner('delayed_count');
    gateway = await startGateway({ runners: [runner] });
    const post = (tool: string, body: object) =>
      fetch(`${gateway?.url}/tools/${tool}`, {
        method: 'POST',
        headers: { ...KEY, 'Content-Type': 'application/json' },
        body: JSON.stringify({ arguments: body }),
      }).then((answer) => answer.json());
    expect(await post('delayed_count', { n: 3 }))
      .to.have.property('data')
      .that.deep.equals([0, 1, 2]);
    expect(await post('echo', { text: 'a' }))
      .to.have.property('data')
      .that.deep.equals({ text: 'a' });
    const listed = (await getJson('/tools'))['tools'] as { name: string }[];
    expect(listed.map(({ name }) => name)).to.include.members(['delayed_count', 'echo']);

    const health = await getJson('/health');
    expect(health).to.include({ status: 'ok' }).and.to.have.nested.property('workers.alive');
    expect(health).to.have.deep.nested.property('runners.delayed', {
      status: 'ok',
      delays: 1,
      queue: { depth: 0, limit: 16 },
    });
    expect(health['queue']).to.deep.equal({ depth: 0, limit: 64 + 16 });
    const stats = await getJson('/stats');
    expect(stats).to.have.nested.property('pool.restarts', 0);
    expect(stats).to.have.nested.property('runners.delayed.taken', 1);
    expect(stats).to.have.nested.property('tools.delayed_count.calls', 1);
    await gateway.close();
    gateway = null;
    expect(runner.isClosed).to.equal(true);
  });

  it('refuses one that offers what the threads do, names both, and leaves it open', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'gateway-test-'));
    const runner: Runner & { readonly isClosed: boolean } = newRunner('primes_tool');
    const failure = await createGateway({
      dataDir,
      logLevel: 'ERROR',
      builtIns: 'on',
      runners: [runner],
    }).catch((error: ToolError) => error.message);
    rmSync(dataDir, { recursive: true, force: true });
    expect(failure).to.match(/tool "primes_tool" .* "threads" and by the runner "delayed"; rename one/);
    expect(runner.isClosed).to.equal(false);
  });

  it('keeps the pages as they are where the threads are alone', async () => {
    gateway = await startGateway();
    expect(await getJson('/')).to.have.all.keys(
      'name version uptimeSeconds tools workers calls console endpoints'.split(' '),
    );
    const health = await getJson('/health');
    expect(Object.keys(health)).to.deep.equal(['status', 'workers', 'queue', 'uptimeSeconds']);
    expect(Object.keys(health['workers'] as object)).to.deep.equal(
      'min max alive starting busy idle restarts'.split(' '),
    );
    const stats = await getJson('/stats');
    expect(Object.keys(stats)).to.deep.equal(['workers', 'pool', 'tools', 'transports', 'mcp']);
    expect(Object.keys(stats['pool'] as object)).to.deep.equal(
      'min max alive queueDepth restarts scaleUps scaleDowns crashes kills waitMs runMs'.split(' '),
    );
  });

  it('loads the tools anew by itself when their module changes, where it is asked to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'watched-'));
    const file = join(folder, 'watched.mjs');
    const write = (answer: number) =>
      writeFileSync(
        file,
        `import { defineTool } from ${JSON.stringify(new URL('../lib/tool/define-tool.js', import.meta.url).href)};
         export const watched = defineTool({ name: 'watched', description: 'w', async run() { return ${answer}; } });`,
      );
    write(1);
    gateway = await startGateway({ tools: [file], minWorkers: 1, reload: true });
    const { gateway: watching } = gateway;
    const answer = async () => {
      const end = await watching.call('watched').outcome();
      return end.type === 'result' ? end.data : end.error.code;
    };
    expect(await answer()).to.equal('1');
    write(2);
    await eventually(async () => (await answer()) === '2', { what: 'the new code' });
    await gateway.close();
    gateway = null;
    rmSync(folder, { recursive: true, force: true });
  });
});
