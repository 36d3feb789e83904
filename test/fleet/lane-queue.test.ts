/** How a host takes calls from a queue of BullMQ, beside BullMQ's own Queue. */
import { setTimeout as delay } from 'node:timers/promises';
import * as bullmq from 'bullmq';
import { expect } from 'chai';
import { LaneQueue } from '../../lib/fleet/host/lane-queue.ts';
import { FleetRedis } from '../../lib/fleet/redis/fleet-redis.ts';
import { eventually } from '../support/eventually.ts';
import { missingRedis, RedisServer } from './redis-server.ts';

const PREFIX = '{mg}';
const OPTIONS = { removeOnComplete: true, removeOnFail: true, attempts: 1 };

describe('a queue of calls, as a host takes from it', function () {
  this.timeout(60_000);
  let server: RedisServer;
  let redis: FleetRedis;
  let queue: bullmq.Queue;
  const lanes: LaneQueue[] = [];
  let round = 0;
  let name = '';

  before(async function () {
    if (missingRedis() !== undefined) this.skip();
    server = await RedisServer.start();
    redis = await FleetRedis.open({
      redisUrl: server.url,
      redisCa: null,
      redisPrefix: 'mg',
      isPatient: true,
      log: () => undefined,
    });
  });
  beforeEach(() => {
    name = `calls.${++round}`;
    queue = new bullmq.Queue(name, { connection: redis.commands, prefix: PREFIX });
  });
  afterEach(async () => {
    await Promise.all(lanes.splice(0).map((lane) => lane.close()));
    await queue.close();
  });
  after(async () => {
    await redis?.close();
    await server?.close();
  });

  /** A host's end of the queue, and what it has in hand. */
  function lane(capacity: number, leaseMs = 20_000) {
    const taken: string[] = [];
    const ends = new Map<string, () => void>();
    let wakings = 0;
    const createRedisBackend: typeof bullmq.createRedisBackend = (...args) => {
      const backend = bullmq.createRedisBackend(...args);
      const { waitForJob } = backend;
      backend.waitForJob = async (seconds) => {
        const at = await waitForJob.call(backend, seconds);
        wakings++;
        return at;
      };
      return backend;
    };
    const made = new LaneQueue({
      name,
      prefix: PREFIX,
      nodeId: `host-${lanes.length}`,
      capacity,
      leaseMs,
      connection: redis.commands,
      bullmq: { createRedisBackend },
      take: (callId) => {
        taken.push(callId);
        return new Promise((resolve) => ends.set(callId, resolve));
      },
    });
    lanes.push(made);
    return { queue: made, taken, wakings: () => wakings, end: (callId: string) => ends.get(callId)?.() };
  }

  const add = (callId: string) => queue.add('call', { c: callId }, { ...OPTIONS, jobId: `c${callId}` });
  const left = async () => (await redis.commands.keys(`${PREFIX}:${name}:c*`)).length;

  it('takes them in their order, as many as it has places for, and the next when one has ended', async () => {
    for (const callId of ['a', 'b', 'c', 'd']) await add(callId);
    const host = lane(2);
    await eventually(() => host.taken.length === 2);
    expect(await queue.getWaitingCount()).to.equal(2);
    host.end('b');
    await eventually(() => host.taken.length === 3);
    expect(host.taken).to.deep.equal(['a', 'b', 'c']);
    expect(host.queue.taken).to.equal(2);
    host.end('a');
    host.end('c');
    await eventually(() => host.taken.length === 4);
    host.end('d');
    await eventually(() => host.queue.taken === 0);
    await eventually(async () => (await left()) === 0);
  });

  it('shares them with other hosts, and is told of those that come while it waits', async () => {
    const hosts = [lane(1), lane(1)];
    for (const callId of ['a', 'b']) await add(callId);
    await eventually(() => hosts.every(({ taken }) => taken.length === 1));
    expect(hosts.flatMap(({ taken }) => taken).sort()).to.deep.equal(['a', 'b']);
    for (const host of hosts) host.end(host.taken[0] ?? '');
    await eventually(async () => (await left()) === 0);
  });

  it('keeps what it has for as long as that takes, and gives it to nobody else', async () => {
    // Longer than this process may be kept from renewing it.
    const leaseMs = 6000;
    const host = lane(1, leaseMs);
    await add('long');
    await eventually(() => host.taken.length === 1);
    const other = lane(1, leaseMs);
    const lockKey = `${PREFIX}:${name}:clong:lock`;
    let renewals = 0;
    let ttl = leaseMs;
    await eventually(async () => {
      const now = await redis.commands.pttl(lockKey);
      if (now > ttl) renewals++;
      ttl = now;
      return renewals >= 4;
    });
    expect(other.taken).to.deep.equal([]);
    host.end('long');
    await eventually(async () => (await left()) === 0);
    expect(other.taken).to.deep.equal([]);
  });

  it('gets what a host had that says nothing any more', async () => {
    const dead = bullmq.createRedisBackend(
      name,
      { connection: redis.commands, prefix: PREFIX, lockDuration: 500 } as bullmq.QueueBaseOptions,
      { withBlockingConnection: false },
    );
    await add('lost');
    expect((await dead.moveToActive('dead'))[1]).to.equal('clost');
    const host = lane(1, 4000);
    await eventually(() => host.taken.length === 1);
    expect(host.taken).to.deep.equal(['lost']);
    host.end('lost');
    await eventually(async () => (await left()) === 0);
  });

  it('takes what is offered while none waits and there is room, and gives its place back', async () => {
    const host = lane(2);
    await eventually(() => host.queue.accept('a'), { what: 'the end of its first look into the queue' });
    await add('b');
    await eventually(() => host.taken.length === 2);
    await add('c');
    expect(host.queue.accept('d')).to.equal(false);
    expect(host.queue.room).to.equal(0);
    host.end('a');
    await eventually(() => host.taken.length === 3);
    expect(host.taken).to.deep.equal(['a', 'b', 'c']);
    for (const callId of ['b', 'c']) host.end(callId);
    await eventually(() => host.queue.accept('e'));
    expect(host.queue.room).to.equal(1);
    let isStopped = false;
    const stopping = host.queue.stop().then(() => {
      isStopped = true;
    });
    expect(host.queue.accept('f')).to.equal(false);
    await delay(20);
    expect(isStopped).to.equal(false);
    host.end('e');
    await stopping;
    expect(await left()).to.equal(0);
  });

  it('leaves what is offered to the queue while calls wait there', async () => {
    const host = lane(1);
    await eventually(() => host.queue.accept('a'));
    for (const callId of ['b', 'c']) await add(callId);
    await eventually(() => host.wakings() > 0, { what: 'word of those that wait' });
    host.end('a');
    expect(host.queue.accept('d')).to.equal(false);
    for (const callId of ['b', 'c']) {
      await eventually(() => host.taken.includes(callId));
      expect(host.queue.accept('d')).to.equal(false);
      host.end(callId);
    }
    await eventually(() => host.queue.accept('d'));
    host.end('d');
    expect(host.taken).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('takes none beyond its places, and leaves the word that one waits to a host that has some', async () => {
    const host = lane(1);
    await eventually(() => host.queue.accept('a'));
    const other = lane(1);
    await eventually(() => other.queue.accept('b'));
    other.end('b');
    await eventually(() => other.queue.room === 1);
    // The host that has waited longest is told, and has no place.
    await add('c');
    await eventually(() => other.taken.includes('c'), { withinMs: 4000 });
    expect(host.wakings()).to.be.at.least(1);
    expect(host.taken).to.deep.equal(['a']);
    for (const callId of ['d', 'e']) await add(callId);
    host.end('a');
    await eventually(() => host.taken.length === 2);
    expect(host.queue.room).to.equal(0);
    other.end('c');
    await eventually(() => other.taken.length === 3);
    expect([host.taken, other.taken]).to.deep.equal([
      ['a', 'd'],
      ['b', 'c', 'e'],
    ]);
    host.end('d');
    other.end('e');
    await eventually(async () => (await left()) === 0);
  });

  it('takes nothing more once it stops, which is done when nothing is in hand', async () => {
    const host = lane(2);
    await add('a');
    await eventually(() => host.taken.length === 1);
    let isStopped = false;
    const stopping = host.queue.stop().then(() => {
      isStopped = true;
    });
    await add('b');
    const other = lane(1);
    await eventually(() => other.taken.length === 1);
    expect(other.taken).to.deep.equal(['b']);
    expect(host.taken).to.deep.equal(['a']);
    expect(isStopped).to.equal(false);
    host.end('a');
    await stopping;
    other.end('b');
    await eventually(async () => (await left()) === 0);
  });
});
