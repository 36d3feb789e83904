/**
 * What goes wrong in a fleet. A fault holds the subjects that it acts on, so that no other acts on them meanwhile, and
 * settles when what it broke is whole again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { FleetField } from './fleet-field.ts';
import type { MemberProcess } from './member-process.ts';
import type { Topology } from './redis-set.ts';
import type { TcpProxy } from './tcp-proxy.ts';

export interface FleetFault {
  readonly name: string;
  /** How often it is drawn beside the others; 1 by default. */
  readonly weight?: number;
  /** What Redis has to be; any by default. */
  readonly needs?: Topology;
  /** What it acts on. */
  readonly on: 'host' | 'gateway' | 'member' | 'redis' | 'client';
  commit(field: FleetField, random: Random, member: MemberProcess): Promise<void>;
}

const between = (random: Random, least: number, most: number) => sleep(random.int(least, most));

async function restart(member: MemberProcess, random: Random, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  await member.end(signal);
  await between(random, 0, 1500);
  member.start();
  for (let tries = 0; tries < 300 && !(await member.isUp()); tries++) await sleep(100);
}

async function freeze(field: FleetField, random: Random, member: MemberProcess): Promise<void> {
  member.freeze();
  await between(random, 200, field.leaseMs * 2);
  member.thaw();
}

/** Breaks the network of a process for a while. */
async function network(proxy: TcpProxy, act: (proxy: TcpProxy) => void, ms: number): Promise<void> {
  act(proxy);
  await sleep(ms);
  proxy.heal();
}

const networkOf = ({ store }: FleetField, { proxy }: MemberProcess, random: Random): TcpProxy =>
  store.network(proxy, random);

export const FAULTS: readonly FleetFault[] = [
  {
    name: 'kill-host',
    on: 'host',
    weight: 3,
    commit: (_, random, member) => restart(member, random, 'SIGKILL'),
  },
  {
    name: 'kill-gateway',
    on: 'gateway',
    weight: 3,
    commit: (_, random, member) => restart(member, random, 'SIGKILL'),
  },
  { name: 'stop-host', on: 'host', commit: (_, random, member) => restart(member, random, 'SIGTERM') },
  { name: 'stop-gateway', on: 'gateway', commit: (_, random, member) => restart(member, random, 'SIGTERM') },
  { name: 'freeze-host', on: 'host', weight: 3, commit: freeze },
  { name: 'freeze-gateway', on: 'gateway', weight: 2, commit: freeze },
  {
    name: 'cut',
    on: 'member',
    weight: 3,
    commit: async (field, random, member) => networkOf(field, member, random).cut(),
  },
  {
    name: 'cut-some',
    on: 'member',
    weight: 3,
    commit: async (field, random, member) => networkOf(field, member, random).cut(() => random.next() < 0.4),
  },
  {
    // What was asked is done, and nobody hears of it.
    name: 'cut-answers',
    on: 'member',
    weight: 3,
    commit: async (field, random, member) => {
      const proxy = networkOf(field, member, random);
      await network(proxy, () => proxy.hold('answers'), random.int(5, 200));
      proxy.cut();
    },
  },
  {
    name: 'cut-off',
    on: 'member',
    weight: 2,
    commit: (field, random, member) =>
      network(
        networkOf(field, member, random),
        (proxy) => proxy.refuse(true),
        random.int(100, field.leaseMs * 2),
      ),
  },
  {
    name: 'late',
    on: 'member',
    weight: 2,
    commit: (field, random, member) =>
      network(
        networkOf(field, member, random),
        (proxy) => proxy.delay(random.int(5, 500)),
        random.int(500, 3000),
      ),
  },
  {
    name: 'black-hole',
    on: 'member',
    weight: 2,
    commit: async (field, random, member) => {
      const proxy = networkOf(field, member, random);
      await network(proxy, () => proxy.hold('both'), random.int(200, field.leaseMs * 2));
      if (random.next() < 0.5) proxy.cut();
    },
  },
  {
    name: 'kill-redis',
    on: 'redis',
    weight: 2,
    commit: async ({ store }, random) => {
      const node = store.any(random);
      await node.kill();
      await node.start();
      await store.whole();
    },
  },
  {
    name: 'long-outage',
    on: 'redis',
    commit: async ({ store, leaseMs }, random) => {
      const node = store.any(random);
      await node.kill();
      await sleep(leaseMs + random.int(200, 2000));
      await node.start();
      await store.whole();
    },
  },
  {
    name: 'fail-over',
    on: 'redis',
    needs: 'standby',
    weight: 2,
    commit: ({ store }) => store.failOver(),
  },
  {
    name: 'lose-tail',
    on: 'redis',
    needs: 'standby',
    commit: ({ store }, random) => store.failOverWithoutTail(random.int(0, 400)),
  },
  {
    name: 'freeze-redis',
    on: 'redis',
    commit: async ({ store, leaseMs }, random) => {
      const node = store.any(random);
      node.signal('SIGSTOP');
      await between(random, 100, leaseMs * 1.5);
      node.signal('SIGCONT');
    },
  },
  {
    name: 'full',
    on: 'redis',
    weight: 2,
    commit: async ({ store }, random) => {
      const node = store.any(random);
      await node.ask('config', 'set', 'maxmemory', '1');
      await between(random, 200, 1500);
      await node.ask('config', 'set', 'maxmemory', '0');
    },
  },
  {
    name: 'forget-scripts',
    on: 'redis',
    commit: async ({ store }, random) => void (await store.any(random).ask('script', 'flush')),
  },
  {
    name: 'lose-messages',
    on: 'redis',
    weight: 2,
    commit: async ({ store }, random) =>
      void (await store.any(random).ask('client', 'kill', 'type', 'pubsub')),
  },
  { name: 'take-over', on: 'client', weight: 2, commit: async (field) => field.anyClient()?.steal() },
  { name: 'drop-client', on: 'client', weight: 2, commit: async (field) => field.anyClient()?.drop() },
  { name: 'cancel', on: 'client', weight: 2, commit: async (field) => field.anyClient()?.cancel() },
];
