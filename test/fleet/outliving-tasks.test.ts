/** Tasks of 2026-07-28 whose gateway is gone: they go on, and any other gateway looks after them. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { MemberProcess } from '../chaos/fleet/member-process.ts';
import { eventually } from '../support/eventually.ts';
import { SECOND, SUPER, WireClient } from '../transports/mcp/wire-client.ts';
import { missingRedis } from './redis-server.ts';
import { KEYS, SmallFleet } from './small-fleet.ts';

const TASKS = { extensions: { 'io.modelcontextprotocol/tasks': {} }, elicitation: {} };
const ORPHAN_GRACE_MS = 1000;

interface TaskState {
  readonly status: string;
  readonly createdAt: string;
  readonly inputRequests?: Record<string, { readonly method: string }>;
  readonly result?: unknown;
}

describe('a task whose gateway is gone', function () {
  this.timeout(90_000);
  let fleet: SmallFleet;
  let redis: Redis;
  let one: string;
  let other: string;
  let gateway: MemberProcess;
  let places = 0;

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start({ orphanGraceMs: ORPHAN_GRACE_MS, minWorkers: 4, maxWorkers: 4 });
    redis = new Redis(fleet.redis.port, '127.0.0.1');
    [one, other] = fleet.urls;
  });
  beforeEach(async () => {
    gateway = await MemberProcess.open({
      name: 'gateway',
      role: 'gateway',
      env: { API_KEYS: KEYS.join(','), LEASE: '20', NODE_ID: `goes-${++places}`, LOG_LEVEL: 'ERROR' },
      redisPort: () => fleet.redis.port,
      redisUrl: (port) => `redis://127.0.0.1:${port}`,
      onDeath: () => undefined,
    });
    await eventually(() => gateway.isUp());
  });
  afterEach(() => gateway?.close());
  after(async () => {
    redis?.disconnect();
    await fleet?.close();
  });

  const said = async (url: string, method: string, params: object, headers = SUPER) => {
    const { taskId } = params as { taskId?: string };
    const named: Record<string, string> = taskId === undefined ? {} : { 'mcp-name': taskId };
    const client = new WireClient(`${url}/mcp`, headers);
    const { last } = await client.stateless(method, params as never, { capabilities: TASKS, headers: named })
      .done;
    return last;
  };
  const start = async (args: object): Promise<string> => {
    const made = await said(gateway.url, 'tools/call', { name: 'job', arguments: args });
    expect(made?.result).to.include({ resultType: 'task' });
    return String(made?.result?.['taskId']);
  };
  const get = async (url: string, taskId: string, headers = SUPER) => {
    const last = await said(url, 'tasks/get', { taskId }, headers);
    expect(last?.error).to.equal(undefined);
    return last?.result as unknown as TaskState;
  };
  const becomes = (url: string, taskId: string, status: string) =>
    eventually(async () => {
      const state = await get(url, taskId);
      return state.status === status ? state : undefined;
    }) as Promise<TaskState>;
  /** Nobody hears of it any more, and all know. */
  const forgetGateway = async () => {
    await redis.del(`mg:n:goes-${places}`);
    await redis.zrem('mg:nodes', `goes-${places}`);
  };

  it('asks, and takes its answers, at any other, and all others find it there', async () => {
    const until = fleet.newFile();
    const taskId = await start({ until, asks: true });
    const before = await becomes(gateway.url, taskId, 'input_required');
    await gateway.end('SIGKILL');
    const states = await Promise.all([one, one, one].map((url) => get(url, taskId)));
    expect(states.every(({ createdAt }) => createdAt === before.createdAt)).to.equal(true);
    const asking = await becomes(one, taskId, 'input_required');
    const [key = ''] = Object.keys(asking.inputRequests ?? {});
    // An answer to the question as the client knew it before could meet another one.
    expect(Object.keys(before.inputRequests ?? {})).not.to.contain(key);
    const inputResponses = { [key]: { action: 'accept', content: {} } };
    const [updated, foreign] = await Promise.all([
      said(other, 'tasks/update', { taskId, inputResponses }),
      said(other, 'tasks/get', { taskId }, SECOND),
    ]);
    expect(updated?.error).to.equal(undefined);
    expect(foreign?.error?.message).to.contain('names no task');
    await becomes(other, taskId, 'working');
    writeFileSync(until, '');
    const { result } = await becomes(other, taskId, 'completed');
    expect(JSON.stringify(result)).to.contain('counted');
    await becomes(one, taskId, 'completed');
  });

  it('does not ask again what was answered, and goes on though nobody asks for it for longer than ORPHAN_GRACE', async () => {
    const until = fleet.newFile();
    const taskId = await start({ until, asks: true });
    const { inputRequests = {} } = await becomes(gateway.url, taskId, 'input_required');
    const [key = ''] = Object.keys(inputRequests);
    const inputResponses = { [key]: { action: 'accept', content: {} } };
    await said(gateway.url, 'tasks/update', { taskId, inputResponses });
    await becomes(gateway.url, taskId, 'working');
    await gateway.end('SIGKILL');
    await forgetGateway();
    await sleep(4 * ORPHAN_GRACE_MS);
    for (let times = 0; times < 5; times++) expect((await get(one, taskId)).status).to.equal('working');
    writeFileSync(until, '');
    await becomes(one, taskId, 'completed');
  });

  it('can be cancelled at any other, and has its end there when it ended meanwhile', async () => {
    const until = fleet.newFile();
    const [running, ended] = [await start({ until }), await start({ count: 1 })];
    await becomes(gateway.url, ended, 'completed');
    await gateway.end('SIGKILL');
    const { result } = await becomes(one, ended, 'completed');
    expect(JSON.stringify(result)).to.contain('counted');
    expect((await said(other, 'tasks/cancel', { taskId: running }))?.error).to.equal(undefined);
    await becomes(one, running, 'cancelled');
    await eventually(async () => {
      const { cluster } = (await (await fetch(`${one}/stats`, { headers: SUPER })).json()) as {
        cluster: { busy: number };
      };
      return cluster.busy === 0;
    });
  });

  it('is let go of where it ended: of a client that can be asked nothing, too', async () => {
    const brief = await SmallFleet.start({ resumeTtlMs: 1000 });
    const [url] = brief.urls;
    const kept = async () => {
      const { calls } = (await (await fetch(`${url}/calls`, { headers: SUPER })).json()) as {
        calls: { callId: string }[];
      };
      return calls.map(({ callId }) => callId);
    };
    for (const capabilities of [TASKS, { extensions: TASKS.extensions }]) {
      const client = new WireClient(`${url}/mcp`);
      const made = await client.stateless('tools/call', { name: 'job', arguments: { count: 1 } } as never, {
        capabilities,
      }).done;
      const callId = String(made.headers['x-call-id']);
      expect(await kept()).to.include(callId);
      await becomes(url, String(made.last?.result?.['taskId']), 'completed');
      await eventually(async () => !(await kept()).includes(callId));
    }
    await brief.close();
  });

  it('goes on at another while its own still drains', async () => {
    const until = fleet.newFile();
    const taskId = await start({ until });
    const stays = fetch(`${gateway.url}/tools/once`, {
      method: 'POST',
      headers: { ...SUPER, 'content-type': 'application/json' },
      body: JSON.stringify({ arguments: { until, everyMs: 20 } }),
    });
    await eventually(async () => {
      const response = await fetch(`${gateway.url}/stats`, { headers: SUPER });
      return ((await response.json()) as { cluster: { busy: number } }).cluster.busy >= 2;
    });
    const gone = gateway.end('SIGTERM');
    await eventually(async () => (await redis.hget(`mg:g:t:${taskId}`, 'at')) === '');
    expect((await get(one, taskId)).status).to.equal('working');
    expect((await get(other, taskId)).status).to.equal('working');
    writeFileSync(until, '');
    await becomes(other, taskId, 'completed');
    expect((await stays).status).to.equal(200);
    await gone;
  });
});
