/** Calls that are offered to a host, and nothing comes of it. */
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { eventually } from '../support/eventually.ts';
import { missingRedis } from './redis-server.ts';
import { KEYS, SmallFleet } from './small-fleet.ts';

const HEADERS = { 'X-API-Key': KEYS[0] as string, 'Content-Type': 'application/json' };
const DEAF = 'deaf-host';

describe('a call of a fleet that is offered to a host', function () {
  this.timeout(60_000);
  let fleet: SmallFleet;
  let redis: Redis;
  let listener: Redis;
  const heard: string[] = [];

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    fleet = await SmallFleet.start();
    redis = new Redis(fleet.redis.port, '127.0.0.1');
    listener = new Redis(fleet.redis.port, '127.0.0.1');
    listener.on('message', (_channel, message: string) => heard.push(message));
  });
  after(async () => {
    redis?.disconnect();
    listener?.disconnect();
    await fleet?.close();
  });

  const call = async () => {
    const body = JSON.stringify({ arguments: { count: 1 } });
    const answer = await fetch(`${fleet.urls[0]}/tools/once`, { method: 'POST', headers: HEADERS, body });
    return answer.status;
  };
  const places = async (): Promise<{ id: string; isDeaf: boolean }[]> => {
    const answer = await fetch(`${fleet.urls[0]}/stats`, { headers: HEADERS });
    const { cluster } = (await answer.json()) as { cluster: { nodes: { id: string; groups?: unknown }[] } };
    return cluster.nodes
      .filter(({ groups }) => groups)
      .map(({ id }) => ({ id, isDeaf: id.startsWith(DEAF) }));
  };
  /** A member like the host there is, with so much room that all is offered to it first. */
  const addMember = async (id: string) => {
    const [host] = await places();
    const member = JSON.parse((await redis.get(`mg:n:${host?.id}`)) ?? '{}');
    member.host.capacity = { x: 1000, s: 1000 };
    await redis.set(`mg:n:${id}`, JSON.stringify({ ...member, id }), 'PX', 60_000);
    await redis.zadd('mg:nodes', Date.now(), id);
    await eventually(async () => (await places()).some((one) => one.id === id));
  };
  const removeMember = async (id: string) => {
    await redis.del(`mg:n:${id}`);
    await redis.zrem('mg:nodes', id);
    await eventually(async () => (await places()).every((one) => one.id !== id));
  };

  it('that nobody hears goes to a queue', async () => {
    await addMember(`${DEAF}-1`);
    // As many as there are hosts: one of them is offered to that one, whatever the order.
    expect(await Promise.all([call(), call()])).to.deep.equal([200, 200]);
    await removeMember(`${DEAF}-1`);
  });

  it('which hears it and does nothing goes to a queue after a moment; nothing is offered to that for a while', async () => {
    const id = `${DEAF}-2`;
    await listener.subscribe(`mg:h:${id}`);
    await addMember(id);
    expect(await Promise.all([call(), call()])).to.deep.equal([200, 200]);
    expect(heard).to.have.length(1);
    expect(heard[0]).to.match(/^o\n/);
    for (let times = 0; times < 4; times++) expect(await call()).to.equal(200);
    expect(heard).to.have.length(1);
    await removeMember(id);
  });

  /** What Redis has of a call that may run twice, before it is begun. */
  const recordOfOne = async (): Promise<Record<string, string>> => {
    const response = await fetch(`${fleet.urls[0]}/tools/again/stream`, {
      method: 'POST',
      headers: HEADERS,
      body: JSON.stringify({ arguments: { count: 30, everyMs: 30 } }),
    });
    const callId = response.headers.get('x-call-id') ?? '';
    let record: Record<string, string> = {};
    await eventually(async () => {
      record = await redis.hgetall(`mg:{${callId}}:m`);
      return record.st === 'r';
    });
    await response.body?.cancel();
    const none = Object.fromEntries(['seq', 'ev', 'out', 'ack', 'ep'].map((field) => [field, '0']));
    const { h: _host, hb: _beat, ...rest } = record;
    return { ...rest, ...none, st: 'q', gw: 'gone-gateway' };
  };
  const stateOf = async (id: string) => {
    const answer = await fetch(`${fleet.urls[1]}/calls/${id}`, { headers: HEADERS });
    return ((await answer.json()) as { status: string }).status;
  };

  it('which hears it twice is begun once', async () => {
    const record = await recordOfOne();
    const task = { ...JSON.parse(record.t ?? ''), name: 'once' };
    await redis.hset('mg:{heardTwice000000}:m', { ...record, t: JSON.stringify(task), id: 0 });
    const [host] = await places();
    const offer = `o\nheardTwice000000\n\n${record.gr}`;
    await redis.multi().publish(`mg:h:${host?.id}`, offer).publish(`mg:h:${host?.id}`, offer).exec();
    await eventually(async () => (await stateOf('heardTwice000000')) !== 'running');
    expect(await stateOf('heardTwice000000')).to.equal('success');
  });

  it('and lost with it and its gateway is given again when somebody asks for it', async () => {
    // Neither is in a queue.
    const queued = await recordOfOne();
    await redis.hset('mg:{lostBeforeItRan}:m', queued);
    await redis.hset('mg:{lostWhileItRan00}:m', { ...queued, st: 'r', ep: 1, h: 'gone-host', hb: 1 });
    for (const id of ['lostBeforeItRan', 'lostWhileItRan00'])
      await eventually(async () => (await stateOf(id)) === 'success', { withinMs: 30_000 });
    expect(await redis.hget('mg:{lostWhileItRan00}:m', 'ep')).to.equal('2');
  });
});
