/**
 * What the members of a fleet meet in during a run: one Redis, one with a standby that takes its place, or a Cluster of
 * three without replicas.
 *
 * S1. Members reach it through proxies alone: with a standby they find whichever is in charge, and the nodes of a Cluster
 *     announce the proxies as their own addresses.
 * S2. What is lost with a tail is known: from when to when it was written.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisServer } from '../../fleet/redis-server.ts';
import { freePort } from '../../support/gateway-process.ts';
import type { Random } from '../random.ts';
import { TcpProxy } from './tcp-proxy.ts';

export const TOPOLOGIES = ['single', 'standby', 'cluster'] as const;
export type Topology = (typeof TOPOLOGIES)[number];

/** A time in which what was written may be lost, in milliseconds since 1970. */
export interface LostMoments {
  readonly from: number;
  readonly to: number;
}

// With everysec a Redis that is killed while its disk is slow has not written for up to two seconds.
const FLAGS = ['--appendonly', 'yes', '--appendfsync', 'no'];
const NODES = 3;

const offsetOf = async (server: RedisServer): Promise<number> =>
  Number(/^master_repl_offset:(\d+)/m.exec(String(await server.ask('info', 'replication')))?.[1]);

export class RedisSet {
  readonly topology: Topology;
  readonly nodes: readonly RedisServer[];
  readonly lost: LostMoments[] = [];
  /** Before each node of a Cluster; else the one that the standby follows through. */
  readonly proxies: TcpProxy[] = [];
  #inCharge = 0;

  private constructor(topology: Topology, nodes: readonly RedisServer[]) {
    this.topology = topology;
    this.nodes = nodes;
  }

  static async open(topology: Topology): Promise<RedisSet> {
    if (topology === 'cluster') return RedisSet.#cluster();
    const count = topology === 'standby' ? 2 : 1;
    const set = new RedisSet(
      topology,
      await Promise.all(Array.from({ length: count }, () => RedisServer.start(FLAGS))),
    );
    if (topology === 'standby') {
      set.proxies.push(await TcpProxy.open(() => set.active.port));
      await set.#follow(set.#standby);
    }
    return set;
  }

  static async #cluster(): Promise<RedisSet> {
    const nodes: RedisServer[] = [];
    const proxies: TcpProxy[] = [];
    for (let at = 0; at < NODES; at++) {
      proxies.push(await TcpProxy.open(() => nodes[at]?.port ?? 0));
      const bus = await freePort();
      const own = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-port', `${bus}`];
      const announced = [
        '--cluster-announce-ip',
        '127.0.0.1',
        '--cluster-announce-port',
        `${proxies[at]?.port}`,
      ];
      nodes.push(
        await RedisServer.start([...FLAGS, ...own, ...announced, '--cluster-announce-bus-port', `${bus}`]),
      );
    }
    const set = new RedisSet('cluster', nodes);
    set.proxies.push(...proxies);
    const share = Math.ceil(16_384 / NODES);
    const [first] = nodes as [RedisServer];
    for (const [at, node] of nodes.entries()) {
      await node.ask('cluster', 'addslotsrange', at * share, Math.min(16_383, (at + 1) * share - 1));
      await node.ask('cluster', 'set-config-epoch', at + 1);
      if (node === first) continue;
      const bus = /(?:^|\s)127\.0\.0\.1:\d+@(\d+)\S* myself/.exec(
        String(await first.ask('cluster', 'nodes')),
      );
      await node.ask('cluster', 'meet', '127.0.0.1', first.port, Number(bus?.[1]));
    }
    await set.whole();
    return set;
  }

  /** The node that members talk to, or the first of a Cluster. */
  get active(): RedisServer {
    return this.nodes[this.#inCharge] as RedisServer;
  }

  get #standby(): RedisServer {
    return this.nodes[1 - this.#inCharge] as RedisServer;
  }

  /** One that members talk to. */
  any(random: Random): RedisServer {
    return this.topology === 'cluster' ? random.pick(this.nodes) : this.active;
  }

  /** Where a member finds it. @param port of its own proxy. */
  url(port: number): string {
    return this.topology === 'cluster'
      ? `redis+cluster://127.0.0.1:${this.proxies[0]?.port}`
      : `redis://127.0.0.1:${port}`;
  }

  /** What to break, where a member's network is meant. */
  network(own: TcpProxy, random: Random): TcpProxy {
    return this.topology === 'cluster' ? random.pick(this.proxies) : own;
  }

  /** The standby takes over with all that was written; the other follows it, and refuses what it is asked to write. */
  async failOver(): Promise<void> {
    const before = this.active;
    const next = this.#standby;
    await before.ask('client', 'pause', 20_000, 'write');
    while ((await offsetOf(next)) < (await offsetOf(before))) await sleep(5);
    await next.ask('replicaof', 'no', 'one');
    this.#inCharge = 1 - this.#inCharge;
    await this.#follow(before);
    await before.ask('client', 'unpause');
  }

  /** It is killed, and the standby takes over, which has not heard of the last `ms`. */
  async failOverWithoutTail(ms: number): Promise<void> {
    const [link] = this.proxies as [TcpProxy];
    const before = this.active;
    // What was there before is not lost, however late the link is.
    const written = await offsetOf(before);
    while ((await offsetOf(this.#standby)) < written) await sleep(5);
    const from = Date.now();
    link.hold('both');
    await sleep(ms);
    await before.kill();
    link.cut();
    await this.#standby.ask('replicaof', 'no', 'one');
    this.lost.push({ from, to: Date.now() });
    this.#inCharge = 1 - this.#inCharge;
    link.heal();
    await before.start();
    await this.#follow(before);
  }

  /** Settles when `server` has all that the one in charge has. */
  async #follow(server: RedisServer): Promise<void> {
    await server.ask('replicaof', '127.0.0.1', this.proxies[0]?.port ?? 0);
    for (;;) {
      if (/^master_link_status:up/m.test(String(await server.ask('info', 'replication')))) return;
      await sleep(20);
    }
  }

  /** Settles when everything is in place. */
  async whole(): Promise<void> {
    if (this.topology === 'standby') await this.#follow(this.#standby);
    if (this.topology !== 'cluster') return;
    for (const node of this.nodes)
      while (!/^cluster_state:ok/m.test(String(await node.ask('cluster', 'info')))) await sleep(50);
  }

  async close(): Promise<void> {
    for (const proxy of this.proxies) proxy.close();
    await Promise.all(this.nodes.map((node) => node.close()));
  }
}
