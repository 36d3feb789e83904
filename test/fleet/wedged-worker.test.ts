/** A queue from which nothing is fetched though calls wait. */
import * as bullmq from 'bullmq';
import { WorkerHost } from '../../lib/fleet/host/worker-host.ts';
import type { Members } from '../../lib/fleet/members.ts';
import { FleetRedis } from '../../lib/fleet/redis/fleet-redis.ts';
import { eventually } from '../support/eventually.ts';
import { missingRedis, RedisServer } from './redis-server.ts';

describe('a queue from which nothing is fetched', () => {
  it('is opened anew, and that is counted', async function () {
    this.timeout(60_000);
    if (missingRedis() !== undefined) this.skip();
    const server = await RedisServer.start();
    const redis = await FleetRedis.open({
      redisUrl: server.url,
      redisCa: null,
      redisPrefix: 'mg',
      isPatient: true,
      log: () => undefined,
    });
    let made = 0;
    /** The first of each lane is wedged: what it is asked for it never answers. */
    const createRedisBackend: typeof bullmq.createRedisBackend = (...args) => {
      const backend = bullmq.createRedisBackend(...args);
      if (++made <= 2) backend.moveToActive = () => new Promise(() => undefined);
      return backend;
    };
    const host = new WorkerHost(
      {
        nodeId: 'h',
        groups: ['g'],
        capacity: { x: 1, s: 1 },
        leaseMs: 2000,
        orphanGraceMs: 1000,
        maxStarts: 2,
        resumeTtlMs: 1000,
        queueName: (group, lane) => `calls.v1.${group}.${lane}`,
        owner: () => undefined,
        log: () => undefined,
      },
      {
        redis,
        members: { tell: () => undefined } as unknown as Members,
        bullmq: { ...bullmq, createRedisBackend },
      },
    );
    try {
      await host.open();
      const queue = new bullmq.Queue('calls.v1.g.x', {
        connection: redis.commands,
        prefix: redis.keys.queuePrefix,
      });
      await queue.add('call', { c: 'nobody-knows-it' }, { removeOnComplete: true });
      await eventually(() => host.counts.recreated >= 1, { withinMs: 30_000 });
      await eventually(async () => (await queue.getWaitingCount()) === 0, { withinMs: 30_000 });
      await queue.close();
    } finally {
      await host.close();
      await redis.close();
      await server.close();
    }
  });
});
