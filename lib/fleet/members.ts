/**
 * Who is in the fleet: every process tells what it is and has, and knows what the others told.
 *
 * M1. What a member said lapses with its lease: one that says nothing any more is gone.
 * M2. Catalogs are told once each, by their digest: hosts with the same tools share one.
 * M3. Everybody looks once a second, and at once when somebody comes or goes.
 */
import { createHash } from 'node:crypto';
import type { Catalog } from '../call/catalog.ts';
import type { FleetRedis } from './redis/fleet-redis.ts';

/** A group of hosts, and how much it takes: `x` one call a thread, `s` many. */
export type Lane = 'x' | 's';

/** What a member says of itself. */
export interface Member {
  readonly id: string;
  readonly role: 'all' | 'gateway' | 'worker';
  readonly version: string;
  /** When it started, in milliseconds since 1970. */
  readonly since: number;
  /** True: it is going, and takes nothing more. */
  readonly isDraining: boolean;
  /** Of a host. */
  readonly host?: HostState;
  /** Of a gateway: its open calls. */
  readonly calls?: number;
}

export interface HostState {
  readonly groups: readonly string[];
  /** The digest of its catalog. */
  readonly catalog: string;
  readonly capacity: Readonly<Record<Lane, number>>;
  readonly busy: number;
  /** The version of what is written in streams and queues. */
  readonly frames: number;
  readonly takeovers: number;
  readonly fenced: number;
  readonly refills: number;
  readonly recreated: number;
  /** What keeps its journeys: a name that is the same where the store is. */
  readonly journeys?: string;
}

export const FRAME_VERSION = 1;
const LOOK_MS = 1000;
const CATALOG_TTL_MS = 24 * 3600 * 1000;

export const digestOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 12);

/** Hosts that offer the same are a group by themselves. */
export const groupOf = ({ tools, resources, prompts }: Catalog): string =>
  `t-${digestOf([tools, resources, prompts].map((list) => list.map(({ name }) => name)))}`;

export class Members {
  readonly #redis: FleetRedis;
  readonly #leaseMs: number;
  readonly #self: () => Member;
  readonly #ownCatalog: () => Catalog | null;
  readonly #listeners: (() => void)[] = [];
  readonly #catalogs = new Map<string, Catalog>();
  #members = new Map<string, Member>();
  #look: NodeJS.Timeout | undefined;
  #nextBeat = 0;
  /** The look that is under way. */
  #looking: Promise<void> | null = null;
  #isClosed = false;
  #toldCatalog = '';
  /** When the list was last known to be true; by `performance.now()`. */
  #seenAt = Number.NEGATIVE_INFINITY;

  constructor(
    redis: FleetRedis,
    {
      leaseMs,
      self,
      catalog,
    }: { readonly leaseMs: number; readonly self: () => Member; readonly catalog: () => Catalog | null },
  ) {
    this.#redis = redis;
    this.#leaseMs = leaseMs;
    this.#self = self;
    this.#ownCatalog = catalog;
  }

  /** Begins; settles when it has looked once, or could not. */
  async open(): Promise<void> {
    await this.#redis.subscribe(this.#redis.keys.nodesChannel, () => void this.#refresh());
    this.#redis.onReady(() => {
      this.#toldCatalog = '';
      this.#nextBeat = 0;
      void this.#refresh();
    });
    this.#look = setInterval(() => void this.#refresh(), LOOK_MS);
    await this.#refresh();
    this.tell();
  }

  /** Calls `listener` when the list may have changed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  get all(): readonly Member[] {
    return [...this.#members.values()];
  }

  get(id: string): Member | undefined {
    return this.#members.get(id);
  }

  /** Whether the list can be relied on. */
  get isKnown(): boolean {
    return performance.now() - this.#seenAt < 3 * LOOK_MS;
  }

  catalogOf(digest: string): Catalog | undefined {
    return this.#catalogs.get(digest);
  }

  /** Tells at once what this process is now. */
  tell(): void {
    this.#nextBeat = 0;
    void this.#refresh().then(() => this.#announce());
  }

  #announce(): void {
    const { commands, keys } = this.#redis;
    if (this.#redis.isReady) commands.publish(keys.nodesChannel, this.#self().id).catch(() => undefined);
  }

  async #refresh(): Promise<void> {
    if (this.#isClosed || !this.#redis.isReady) return;
    this.#looking ??= this.#lookOnce();
    await this.#looking;
  }

  async #lookOnce(): Promise<void> {
    try {
      if (performance.now() >= this.#nextBeat) await this.#beat();
      await this.#read();
    } catch {
      // Redis has gone; the next look finds out.
    } finally {
      this.#looking = null;
    }
  }

  async #beat(): Promise<void> {
    const { commands, keys } = this.#redis;
    const self = this.#self();
    const catalog = this.#ownCatalog();
    if (catalog) {
      const digest = digestOf(catalog);
      // Redis may have lost it, and the connection not.
      const isThere =
        digest === this.#toldCatalog && (await commands.pexpire(keys.catalog(digest), CATALOG_TTL_MS)) === 1;
      if (!isThere) await commands.set(keys.catalog(digest), JSON.stringify(catalog), 'PX', CATALOG_TTL_MS);
      this.#toldCatalog = digest;
    }
    await commands.set(keys.node(self.id), JSON.stringify(self), 'PX', this.#leaseMs);
    await commands.zadd(keys.nodes, Date.now(), self.id);
    this.#nextBeat = performance.now() + this.#leaseMs / 3;
  }

  async #read(): Promise<void> {
    const { commands, keys } = this.#redis;
    const ids = await commands.zrange(keys.nodes, 0, -1);
    const texts = await Promise.all(ids.map((id) => commands.get(keys.node(id))));
    const members = new Map<string, Member>();
    for (const [at, id] of ids.entries()) {
      const text = texts[at];
      if (text) members.set(id, JSON.parse(text) as Member);
      else if (id !== this.#self().id) commands.zrem(keys.nodes, id).catch(() => undefined);
    }
    await this.#learn([...members.values()]);
    const before = JSON.stringify([...this.#members]);
    this.#members = members;
    this.#seenAt = performance.now();
    if (JSON.stringify([...members]) !== before) for (const listener of this.#listeners) listener();
  }

  /** Fetches the catalogs that are not known yet, and forgets those that nobody has. */
  async #learn(members: readonly Member[]): Promise<void> {
    const digests = new Set(members.flatMap(({ host }) => (host ? [host.catalog] : [])));
    for (const digest of digests) {
      if (this.#catalogs.has(digest)) continue;
      const { commands, keys } = this.#redis;
      const text = await commands.get(keys.catalog(digest));
      if (text) this.#catalogs.set(digest, JSON.parse(text) as Catalog);
    }
  }

  /** Says good-bye, where that can be said. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#look);
    await this.#looking; // what it still says of itself would be the last word
    if (!this.#redis.isReady) return;
    const { commands, keys } = this.#redis;
    const { id } = this.#self();
    await Promise.all([
      commands.del(keys.node(id)),
      commands.zrem(keys.nodes, id),
      commands.publish(keys.nodesChannel, id),
    ]).catch(() => undefined);
  }
}
