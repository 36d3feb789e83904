/** The failure table of docs/fleet.md, row by row, over processes: who dies when, and what the caller sees. */
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type BegunCall, FleetField, type WantedCall } from '../chaos/fleet/fleet-field.ts';
import type { MemberProcess } from '../chaos/fleet/member-process.ts';
import type { Topology } from '../chaos/fleet/redis-set.ts';
import { Random } from '../chaos/random.ts';
import { eventually } from '../support/eventually.ts';
import { missingRedis } from './redis-server.ts';

/** More than the faults of a test can cost, and hosts that a busy machine keeps from their work for a lease. */
const MAX_STARTS = 5;
const PATIENT = { withinMs: 40_000 };

const random = new Random(6);
const violations: string[] = [];
let field: FleetField;
let one: MemberProcess;

/** Rows of the table, on a fleet whose hosts may be silent for `lease` seconds. */
function rows(title: string, lease: number, topology: Topology, define: () => void): void {
  describe(title, function () {
    this.timeout(120_000);

    before(async function () {
      const reason = missingRedis();
      if (reason !== undefined) {
        console.warn(`      skipped: ${reason}`);
        this.skip();
      }
      field = await FleetField.open({
        gateways: 2,
        hosts: 2,
        random,
        lease,
        topology,
        env: { QUEUE_WAIT: '40', RESUME_BYTES: '65536', MAX_STARTS: `${MAX_STARTS}` },
        violate: (promise, text) => violations.push(`${promise}: ${text}`),
      });
      one = field.gateways[0] as MemberProcess;
    });

    afterEach(async () => {
      for (const member of field.members) {
        member.proxy.heal();
        if (!member.isRunning) member.start();
      }
      await field.whole();
    });

    after(async () => {
      await field?.close();
      expect(violations.splice(0)).to.deep.equal([]);
    });

    define();
  });
}

const begin = (wanted: WantedCall): BegunCall => field.begin(random, wanted);

/** Its end, when all that a client saw of it was as promised. */
async function endOf({ call, done }: BegunCall): Promise<string | null> {
  await done;
  call.judge(field.startsOf(call), MAX_STARTS);
  const broken = violations.filter((text) => text.includes(call.name));
  expect(broken, call.trail.join('\n')).to.deep.equal([]);
  return call.ending;
}

const running = ({ call }: BegunCall, chunks = 5) =>
  eventually(() => call.chunks >= chunks || call.isClosed, PATIENT);

const code = async (gateway = one): Promise<string> => {
  const response = await field.post(gateway, 'fleet_once', {});
  const { code = 'success' } = (await response.json()) as { code?: string };
  return `${response.status} ${code}`;
};

/** How many calls wait. */
async function inQueue(): Promise<number> {
  const queues = (await field.redis.ask('keys', '*:wait')) as readonly string[];
  const depths = await Promise.all(queues.map((queue) => field.redis.ask('llen', queue)));
  return depths.reduce((sum: number, depth) => sum + Number(depth), 0);
}

// Longer than any pause of a busy machine: no host is taken for lost.
rows('when something of a fleet fails, and its hosts live', 60, 'single', () => {
  it('Redis is not there when a gateway starts: 503, health degraded; it heals by itself', async () => {
    await one.end('SIGKILL');
    one.proxy.refuse(true);
    one.start();
    await eventually(
      async () => (await fetch(`${one.url}/health`).catch(() => undefined))?.status === 200,
      PATIENT,
    );
    expect(await (await fetch(`${one.url}/health`)).json()).to.include({ status: 'degraded', redis: 'down' });
    expect(await code()).to.equal('503 unavailable');
    one.proxy.heal();
    await eventually(async () => (await code()) === '200 success', PATIENT);
  });

  it('Redis answers nothing: 503; late: late answers', async () => {
    one.proxy.hold('both');
    expect(await code()).to.equal('503 unavailable');
    one.proxy.heal();
    await eventually(async () => (await code()) === '200 success', PATIENT);
    one.proxy.delay(300);
    await eventually(async () => (await code()) === '200 success', PATIENT);
  });

  it('Redis is killed in the middle of calls and back before LEASE: a pause, then the rest', async () => {
    const calls = [true, false].map((isOnce) => begin({ isOnce, count: 40, everyMs: 40 }));
    for (const call of calls) await running(call);
    await field.redis.kill();
    await field.redis.start();
    for (const call of calls) expect(await endOf(call)).to.equal('success');
  });

  it('Redis is full: new calls overloaded; running ones write again what was refused', async () => {
    const calls = [true, false].map((isOnce) => begin({ isOnce, count: 60, everyMs: 30 }));
    for (const call of calls) await running(call);
    await field.redis.ask('config', 'set', 'maxmemory', '1');
    await eventually(async () => (await code()) === '503 overloaded', PATIENT);
    await sleep(300);
    await field.redis.ask('config', 'set', 'maxmemory', '0');
    for (const call of calls) expect(await endOf(call)).to.equal('success');
    for (const { call } of calls) expect(field.startsOf(call)).to.have.length(1);
  });

  it('Redis comes back without its last moments: its host writes again what was lost', async () => {
    const calls = [true, false].map((isOnce) => begin({ isOnce, count: 60, everyMs: 40 }));
    for (const call of calls) await running(call, 3);
    const before = field.redis.written();
    for (const call of calls) await running(call, 20);
    await field.redis.kill();
    field.redis.loseTail(field.redis.written() - before);
    await field.redis.start();
    for (const call of calls) expect(await endOf(call)).to.equal('success');
    for (const { call } of calls) expect(field.startsOf(call)).to.have.length(1);
  });

  it('… and without an end that callers were told: it is written again', async () => {
    const before = begin({ isOnce: true, count: 20, everyMs: 40 });
    await running(before, 3);
    const size = field.redis.written();
    expect(await endOf(before)).to.equal('success');
    await field.redis.kill();
    field.redis.loseTail(field.redis.written() - size);
    await field.redis.start();
    const { callId } = before.call;
    await eventually(async () => (await field.whatRedisSays(callId)).includes('st e'), PATIENT);
    expect(await field.whatRedisSays(callId)).to.contain('end success');
  });

  it('… and without the beginning of a call: its host says so again, and the tool does not run twice', async () => {
    // Nobody takes it at once, so that its opening is safe before what is lost begins.
    for (const host of field.hosts) host.freeze();
    const call = begin({ isOnce: true, count: 150, everyMs: 40 });
    await eventually(async () => (await inQueue()) > 0, PATIENT);
    const size = field.redis.written();
    for (const host of field.hosts) host.thaw();
    await running(call);
    await field.redis.kill();
    field.redis.loseTail(field.redis.written() - size);
    await field.redis.start();
    expect(await endOf(call)).to.equal('success');
    expect(field.startsOf(call.call)).to.have.length(1);
  });

  it('a gateway dies: its client reads on at another', async () => {
    const calls = [true, false, true, false].map((isOnce) => begin({ isOnce, count: 60, everyMs: 40 }));
    for (const call of calls) await running(call);
    await one.end('SIGKILL');
    for (const call of calls) expect(await endOf(call)).to.equal('success');
    one.start();
  });

  it('messages are lost: a pause, then the rest', async () => {
    const calls = [true, false].map((isOnce) => begin({ isOnce, count: 60, everyMs: 30 }));
    for (const call of calls) await running(call);
    for (let times = 0; times < 5; times++) {
      await field.redis.ask('client', 'kill', 'type', 'pubsub');
      await sleep(100);
    }
    for (const call of calls) expect(await endOf(call)).to.equal('success');
  });

  it('connections of hosts are cut, and the next ones before they are of use: a pause, then the rest', async () => {
    const calls = [true, false].map((isOnce) => begin({ isOnce, count: 60, everyMs: 40 }));
    for (const call of calls) await running(call);
    const proxies = field.hosts.map(({ proxy }) => proxy);
    for (const proxy of proxies) proxy.hold('both');
    await sleep(200);
    for (const proxy of proxies) proxy.cut();
    await sleep(400);
    for (const proxy of proxies) {
      proxy.cut();
      proxy.heal();
    }
    for (const call of calls) expect(await endOf(call)).to.equal('success');
    await eventually(async () => (await field.cluster(one)).busy === 0, PATIENT);
  });

  it('what a reader wants is no longer kept: 410, never a hole', async () => {
    // More than is on its way at a time, however late it is read.
    const call = begin({ isOnce: true, count: 120, everyMs: 0, size: 32 * 1024 });
    expect(await endOf(call)).to.equal('success');
    const events = await field.events(field.gateways[1] as MemberProcess, call.call.callId, 0);
    expect(events).to.equal(410);
    expect(await field.events(one, call.call.callId, call.call.last - 3)).to.equal(200);
  });

  it('no host has the tool: 503', async () => {
    await Promise.all(field.hosts.map((host) => host.end('SIGTERM')));
    await eventually(async () => (await code()) === '503 unavailable', PATIENT);
    for (const host of field.hosts) host.start();
    await eventually(async () => (await code()) === '200 success', PATIENT);
  });
});

rows('when hosts or gateways of a fleet are lost', 4, 'single', () => {
  it('Redis is away longer than LEASE: worker_crashed or the rest, restarted or the rest; never twice', async () => {
    const [once, again] = [true, false].map((isOnce) => begin({ isOnce, count: 60, everyMs: 40 })) as [
      BegunCall,
      BegunCall,
    ];
    for (const call of [once, again]) await running(call);
    await field.redis.kill();
    await sleep(field.leaseMs * 1.7);
    await field.redis.start();
    expect(await endOf(once)).to.be.oneOf(['success', 'worker_crashed']);
    expect(await endOf(again)).to.equal('success');
  });

  it('a host dies before it began a call: another begins it', async () => {
    for (const host of field.hosts) host.freeze();
    const call = begin({ isOnce: true, count: 5, everyMs: 1 });
    await eventually(async () => (await inQueue()) > 0 || call.call.chunks > 0, PATIENT);
    await Promise.all(field.hosts.map((host) => host.end('SIGKILL')));
    for (const host of field.hosts) host.start();
    expect(await endOf(call)).to.equal('success');
  });

  it('a host dies in the middle: worker_crashed, or restarted on another', async () => {
    const until = field.newFile();
    const calls = [true, false].map((isOnce) => begin({ isOnce, count: 20, everyMs: 40, until })) as [
      BegunCall,
      BegunCall,
    ];
    for (const call of calls) await running(call);
    await Promise.all(field.hosts.map((host) => host.end('SIGKILL')));
    writeFileSync(until, '');
    for (const host of field.hosts) host.start();
    expect(await endOf(calls[0])).to.equal('worker_crashed');
    expect(await endOf(calls[1])).to.equal('success');
    expect(calls[1].call.restarts).to.be.at.least(1);
  });

  it('a host freezes and thaws: the second run counts, and nothing of the first comes after it', async () => {
    const calls = [true, false].map((isOnce) => begin({ isOnce, count: 120, everyMs: 40 })) as [
      BegunCall,
      BegunCall,
    ];
    for (const call of calls) await running(call);
    for (const host of field.hosts) host.freeze();
    await sleep(field.leaseMs * 1.5);
    for (const host of field.hosts) host.thaw();
    expect(await endOf(calls[0])).to.be.oneOf(['success', 'worker_crashed']);
    expect(await endOf(calls[1])).to.equal('success');
  });

  it('a gateway dies and nobody comes back: its tool is stopped after ORPHAN_GRACE', async () => {
    const call = begin({ isOnce: true, count: 100_000, everyMs: 20, detach: 0 });
    await running(call);
    const killedAt = Date.now();
    await Promise.all(field.gateways.map((gateway) => gateway.end('SIGKILL')));
    call.client.leave();
    await call.done;
    for (const gateway of field.gateways) gateway.start();
    await field.whole();
    const stoppedAt = await eventually(() => field.stopsOf(call.call)[0], PATIENT);
    // Eight seconds, less what the gateways may have been kept from saying before they died.
    expect((stoppedAt ?? 0) - killedAt).to.be.above(3000);
    await eventually(async () => (await field.cluster(one)).busy === 0, PATIENT);
  });
});

rows('when a standby takes the place of the Redis of a fleet', 60, 'standby', () => {
  for (const [what, takeOver] of [
    ['with all that was written', () => field.store.failOver()],
    ['without the last of it', () => field.store.failOverWithoutTail(300)],
  ] as const)
    it(`${what}: a pause, then the rest, and nothing runs twice`, async () => {
      const calls = [true, false].map((isOnce) => begin({ isOnce, count: 100, everyMs: 40 }));
      for (const call of calls) await running(call);
      await takeOver();
      for (const call of calls) expect(await endOf(call)).to.equal('success');
      for (const { call } of calls) expect(field.startsOf(call)).to.have.length(1);
      await eventually(async () => (await code()) === '200 success', PATIENT);
    });
});
