/** A fleet on a Redis of its own: two gateways and hosts that come and go. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { createGateway, type Gateway } from '../../lib/index.ts';
import { eventually } from '../support/eventually.ts';
import { missingRedis, RedisServer } from './redis-server.ts';

const TOOLS = fileURLToPath(new URL('./tools/fleet-tools.js', import.meta.url));
const DOOMED = fileURLToPath(new URL('./tools/doomed-tools.js', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../bin/mcp-streaming-gateway.cjs', import.meta.url));
const PATIENT = { withinMs: 30_000 };
const KEY = 'a-key-of-the-fleet';
const HEADERS = { 'X-API-Key': KEY, 'Content-Type': 'application/json' };

describe('a fleet', function () {
  this.timeout(60_000);
  const reason = missingRedis();
  let redis: RedisServer;
  let folder: string;
  const gateways: Gateway[] = [];
  let one: string;
  let other: string;

  async function member(role: 'gateway' | 'worker' | 'all', more: object = {}): Promise<Gateway> {
    const gateway = await createGateway({
      redisUrl: redis.url,
      role,
      tools: role === 'gateway' ? [] : [TOOLS],
      minWorkers: 1,
      maxWorkers: 2,
      logLevel: 'ERROR',
      apiKeys: [KEY],
      port: 0,
      // Longer than this process may be kept from its work, and as short as who waits for it would have it.
      leaseMs: 6000,
      drainTimeoutMs: 500,
      dataDir: folder,
      ...more,
    });
    gateways.push(gateway);
    return gateway;
  }

  before(async function () {
    if (reason !== undefined) {
      console.warn(`      skipped: ${reason}`);
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'fleet-'));
    redis = await RedisServer.start();
    await member('worker');
    const [first, second] = await Promise.all([member('gateway'), member('gateway')]);
    [one, other] = (await Promise.all([first.listen(), second.listen()])).map(({ url }) => url) as [
      string,
      string,
    ];
    await eventually(() => first.tools().length === 3 && second.tools().length === 3);
  });

  after(async () => {
    await Promise.allSettled(gateways.map((gateway) => gateway.close({ drainMs: 0, graceMs: 100 })));
    await redis?.close();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const post = (url: string, path: string, args: object, more: object = {}, headers = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { ...HEADERS, ...headers },
      body: JSON.stringify({ arguments: args, ...more }),
    });

  it('answers a call that a host ran', async () => {
    const response = await post(one, '/tools/once', { count: 3, size: 1 });
    const { status, data } = (await response.json()) as { status: string; data: { at: number }[] };
    expect(status).to.equal('success');
    expect(data.map(({ at }) => at)).to.deep.equal([0, 1, 2]);
  });

  it('refuses arguments with their own status', async () => {
    const response = await post(one, '/tools/once/stream', { count: 'many' });
    expect(response.status).to.equal(422);
  });

  it('answers with eight megabytes', async () => {
    const size = 8 * 1024 * 1024 - 100;
    const response = await post(one, '/tools/big', { size });
    const { data } = (await response.json()) as { data: string };
    expect(data.length).to.equal(size);
  });

  it('streams in order and without a hole, however much', async () => {
    const text = await (await post(one, '/tools/once/stream', { count: 20_000 })).text();
    const ids = [...text.matchAll(/^id: [\w-]+\.(\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).to.deep.equal(Array.from({ length: 20_002 }, (_, at) => at + 1));
  });

  it('goes on with a call on another gateway, byte for byte, and tells the first reader', async () => {
    const response = await post(one, '/tools/once/stream', { count: 20, everyMs: 50 }, { detach: 20 });
    const callId = response.headers.get('x-call-id') ?? '';
    const first = response.text();
    await eventually(async () => ((await find(other, callId)) as { chunks: number }).chunks > 3);
    const rest = await fetch(`${other}/calls/${callId}/events?after=0`, { headers: HEADERS });
    const text = await rest.text();
    const moved = await first;
    expect(moved).to.contain(`id: ${callId}.moved`);
    const seen = moved.slice(0, moved.indexOf(`id: ${callId}.moved`));
    expect(text.startsWith(seen)).to.equal(true);
    expect(text.match(/^event: chunk$/gm)).to.have.length(20);
    expect(text).to.contain('{"status":"complete"}');
    const again = await (await fetch(`${one}/calls/${callId}/events?after=0`, { headers: HEADERS })).text();
    expect(again).to.equal(text);
  });

  const find = async (url: string, callId: string): Promise<unknown> =>
    (await fetch(`${url}/calls/${callId}`, { headers: HEADERS })).json();

  it('cancels from another gateway, and the tool stops', async () => {
    const response = await post(one, '/tools/once/stream', { count: 1000, everyMs: 50 });
    const callId = response.headers.get('x-call-id') ?? '';
    const answer = await fetch(`${other}/calls/${callId}`, { method: 'DELETE', headers: HEADERS });
    expect(answer.status).to.equal(202);
    expect(await response.text()).to.contain('{"status":"cancelled"}');
  });

  it('cancels nothing that has ended, though the gateway of its reader has not heard of that', async () => {
    const cancel = (id: string) => fetch(`${one}/calls/${id}`, { method: 'DELETE', headers: HEADERS });
    const response = await post(one, '/tools/once/stream', { count: 1000, everyMs: 20 });
    const callId = response.headers.get('x-call-id') ?? '';
    await redis.ask('hset', `mg:{${callId}}:m`, 'st', 'e');
    expect((await cancel(callId)).status).to.equal(404);
    await redis.ask('hset', `mg:{${callId}}:m`, 'st', 'r');
    expect((await cancel(callId)).status).to.equal(202);
    expect(await response.text()).to.contain('{"status":"cancelled"}');
  });

  it('tells a reader that it was overtaken, where that was not heard and what comes next is gone', async () => {
    const until = join(folder, 'overtaken');
    const response = await post(one, '/tools/again/stream', { until, everyMs: 20 });
    const callId = response.headers.get('x-call-id') ?? '';
    const [stream, hash] = [`mg:{${callId}}:s`, `mg:{${callId}}:m`];
    // Another gateway has it, and this one hears nothing of that or of what follows.
    await redis.ask('hset', hash, 'gw', 'elsewhere');
    const length = async () => Number(await redis.ask('xlen', stream));
    const before = await length();
    await eventually(async () => (await length()) > before + 20);
    await redis.ask('xtrim', stream, 'MAXLEN', 3);
    const text = await response.text();
    writeFileSync(until, '');
    const indexes = [...text.matchAll(/^data: {"index":(\d+)/gm)].map(([, index]) => Number(index));
    expect(indexes).to.deep.equal(indexes.map((_, at) => at));
    expect(text).to.contain(`id: ${callId}.moved`);
  });

  it('goes on where nothing is left of what was before', async () => {
    const until = join(folder, 'trimmed');
    const response = await post(one, '/tools/again/stream', { until, everyMs: 20 }, { detach: 20 });
    const callId = response.headers.get('x-call-id') ?? '';
    await eventually(async () => ((await find(other, callId)) as { chunks: number }).chunks > 5);
    await redis.ask('xtrim', `mg:{${callId}}:s`, 'MAXLEN', 2);
    const rest = await fetch(`${other}/calls/${callId}/events?after=1`, { headers: HEADERS });
    expect(rest.status).to.equal(410);
    const { detail } = (await rest.json()) as { detail: string };
    const oldest = Number(/the oldest that is kept is (\d+)/.exec(detail)?.[1]);
    writeFileSync(until, '');
    const after = oldest - 1;
    const text = await (
      await fetch(`${other}/calls/${callId}/events?after=${after}`, { headers: HEADERS })
    ).text();
    const ids = [...text.matchAll(/^id: [\w-]+\.(\d+)$/gm)].map(([, id]) => Number(id));
    const [, first] = /^data: {"index":(\d+)/m.exec(text) ?? [];
    // The first event of all is the first chunk.
    expect(Number(first)).to.equal(after);
    expect(ids).to.deep.equal(ids.map((_, at) => oldest + at));
    await response.text();
  });

  it('makes a call once for an idempotency key, wherever it is asked', async () => {
    const log = join(folder, 'keyed');
    const ask = (url: string) =>
      post(url, '/tools/once', { log, count: 2, everyMs: 50 }, {}, { 'Idempotency-Key': 'k1' });
    const answers = await Promise.all([ask(one), ask(other)].map(async (answer) => (await answer).status));
    expect(answers).to.include(200);
    const last = await ask(other);
    expect(last.headers.get('idempotent-replay')).to.equal('true');
    expect(await last.json()).to.have.property('status', 'success');
    expect(readFileSync(log, 'utf8').match(/start/g)).to.have.length(1);
    const mismatch = await post(other, '/tools/once', { count: 3 }, {}, { 'Idempotency-Key': 'k1' });
    expect(mismatch.status).to.equal(422);
  });

  it('holds the tool where nobody reads, and Redis stays small', async () => {
    const log = join(folder, 'held');
    const response = await post(one, '/tools/once/stream', { log, count: 1000, size: 64 * 1024 });
    const reader = response.body?.getReader();
    await reader?.read();
    const written = () => readFileSync(log, 'utf8').split('\n').length;
    let before = 0;
    await eventually(async () => {
      const now = written();
      const isStill = now === before;
      before = now;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return isStill && now > 1;
    });
    expect(before).to.be.lessThan(400);
    const callId = response.headers.get('x-call-id') ?? '';
    const used = Number(await redis.ask('memory', 'usage', `mg:{${callId}}:s`, 'samples', 0));
    expect(used).to.be.lessThan(3 * 1024 * 1024);
    const [out, ack] = (await redis.ask('hmget', `mg:{${callId}}:m`, 'out', 'ack')) as [string, string];
    expect(Number(out) - Number(ack)).to.be.lessThan(1.25 * 1024 * 1024);
    await reader?.cancel();
  });

  it('refuses at once while Redis is away, and heals', async () => {
    redis.signal('SIGSTOP');
    redis.signal('SIGCONT');
    await redis.kill();
    await eventually(async () => (await post(one, '/tools/once', {})).status === 503);
    await eventually(async () => {
      const health = await fetch(`${one}/health`);
      expect(health.status).to.equal(200);
      const { status, redis: how } = (await health.json()) as { status: string; redis: string };
      return status === 'degraded' && how === 'down';
    });
    await redis.start();
    await eventually(async () => (await post(one, '/tools/once', { count: 1 })).status === 200);
  });

  describe('whose host dies', function () {
    this.timeout(120_000);
    const spawned: ChildProcess[] = [];
    afterEach(() => {
      for (const child of spawned.splice(0)) child.kill('SIGKILL');
    });

    /** A host of its own group, in a process that can be killed. */
    function host(): ChildProcess {
      const env = { ...process.env, REDIS_URL: redis.url, API_KEY: KEY, LEASE: '6', DATA_DIR: folder };
      const flags = [
        'worker',
        '--port',
        '0',
        '--tools',
        DOOMED,
        '--log-level',
        'ERROR',
        '--min-workers',
        '1',
      ];
      const child = spawn(process.execPath, [PROGRAM, ...flags], { env, stdio: 'ignore' });
      spawned.push(child);
      return child;
    }

    const knows = (name: string) =>
      eventually(() => gateways[1]?.tools().some((tool) => tool.name === name) ?? false, PATIENT);

    async function killedInTheMiddle(tool: string): Promise<{ text: string; starts: number }> {
      const log = join(folder, tool);
      const until = join(folder, `${tool} may end`);
      const args = { log, count: 30, everyMs: 10, until };
      const doomed = host();
      await knows(tool);
      // 503 while the tools of a host that was killed before are still listed.
      let response = await post(one, `/tools/${tool}/stream`, args);
      while (response.status === 503 || response.status === 404) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        response = await post(one, `/tools/${tool}/stream`, args);
      }
      expect(response.status).to.equal(200);
      const second = host();
      const text = response.text();
      await eventually(() => existsSync(log), PATIENT);
      await new Promise((resolve) => setTimeout(resolve, 300));
      doomed.kill('SIGKILL');
      writeFileSync(until, '');
      const whole = await text;
      second.kill('SIGKILL');
      return { text: whole, starts: readFileSync(log, 'utf8').match(/start/g)?.length ?? 0 };
    }

    it('a call that may not run twice ends worker_crashed, and ran once', async () => {
      const { text, starts } = await killedInTheMiddle('doomed_once');
      expect(text).to.contain('"code":"worker_crashed"');
      expect(text.match(/^event: done$/gm)).to.have.length(1);
      expect(starts).to.equal(1);
    });

    it('one that may runs again, announced, from chunk 0, with ids that go on', async () => {
      const { text, starts } = await killedInTheMiddle('doomed_again');
      expect(starts).to.equal(2);
      expect(text.match(/^event: restarted\ndata: {"attempt":2}$/gm)).to.have.length(1);
      const after = text.slice(text.indexOf('event: restarted'));
      const indexes = [...after.matchAll(/^data: {"index":(\d+)/gm)].map(([, index]) => Number(index));
      expect(indexes).to.deep.equal(Array.from({ length: 30 }, (_, at) => at));
      const ids = [...text.matchAll(/^id: [\w-]+\.(\d+)$/gm)].map(([, id]) => Number(id));
      expect(ids).to.deep.equal(Array.from({ length: ids.length }, (_, at) => at + 1));
    });
  });

  it('is seen by anybody, by who has a key, and by Prometheus', async () => {
    // Redis came back a moment ago.
    await eventually(async () => {
      const health = (await (await fetch(`${one}/health`)).json()) as { redis: string; hosts: object };
      return health.redis === 'ok' && Object.values(health.hosts).includes(1);
    });
    const stats = await (await fetch(`${one}/stats`, { headers: HEADERS })).json();
    const { cluster } = stats as { cluster: { nodes: { role: string }[]; capacity: number } };
    expect(cluster.nodes.map(({ role }) => role)).to.include.members(['gateway', 'worker']);
    expect(cluster.capacity).to.equal(2);
    const metrics = await (await fetch(`${one}/metrics`, { headers: HEADERS })).text();
    expect(metrics).to.match(/^mcp_gateway_fleet_redis_up 1$/m);
    expect(metrics).to.match(/^mcp_gateway_fleet_capacity 2$/m);
    expect(metrics).to.match(/^mcp_gateway_fleet_hosts\{group="t-[^"]+"\} 1$/m);
    for (const name of ['takeovers', 'fenced_writes', 'resyncs', 'refills'])
      expect(metrics).to.match(new RegExp(`^mcp_gateway_fleet_${name}_total \\d+$`, 'm'));
  });

  it('survives that the scripts are forgotten', async () => {
    await redis.ask('script', 'flush');
    // Redis came back a moment ago: a connection may still be on its way.
    await eventually(async () => (await post(one, '/tools/once', { count: 1 })).status === 200);
  });

  it('tells again what Redis has forgotten; who comes meanwhile says 503, and never that a tool is not there', async () => {
    await redis.ask('flushall');
    const { url } = await (await member('gateway')).listen();
    const statuses = new Set<number>();
    await eventually(async () => {
      const { status } = await post(url, '/tools/once', { count: 1 });
      statuses.add(status);
      return status === 200;
    }, PATIENT);
    expect([...statuses].filter((status) => status !== 503)).to.deep.equal([200]);
  });

  it('has journeys on one host, or on several beside the same folder', async () => {
    const [here, there] = [join(folder, 'here'), join(folder, 'there')];
    const journeys = (dataDir: string) => member('worker', { tools: [], builtIns: 'on', dataDir });
    const first = await journeys(here);
    await journeys(here);
    const refusal = await journeys(there).then(
      () => 'none',
      (error) => String(error),
    );
    expect(refusal).to.match(/journeys_tool .* DATA_DIR.*BUILT_INS=off/);
    expect(first.tools().map(({ name }) => name)).to.include('journeys_tool');
  });

  it('has journeys on several hosts that name the same database', async () => {
    const journeysUrl = 'postgres://journeys@127.0.0.1:9/journeys';
    const own = { tools: [], builtIns: 'on', redisPrefix: 'journeys' };
    const journeys = (folderName: string, url: string) =>
      member('worker', { ...own, dataDir: join(folder, folderName), journeysUrl: url });
    await journeys('here', journeysUrl);
    await journeys('there', journeysUrl);
    const refusal = await journeys('elsewhere', `${journeysUrl}2`).catch(String);
    expect(String(refusal)).to.contain('set JOURNEYS_URL to the same address on all hosts');
  });
});

describe('a Redis that calls cannot be trusted to', () => {
  it('stops the start, with what to set', async function () {
    if (missingRedis() !== undefined) this.skip();
    const server = await RedisServer.start(['--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru']);
    try {
      let message = '';
      await createGateway({ redisUrl: server.url, role: 'gateway', logLevel: 'ERROR' }).catch(
        (error: Error) => {
          message = error.message;
        },
      );
      expect(message).to.contain('appendonly yes').and.contain('noeviction');
    } finally {
      await server.close();
    }
  });
});
