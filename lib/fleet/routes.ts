/**
 * Which group of hosts runs what: the catalogs of all hosts as one.
 *
 * T1. Of two descriptors of one name the newest host's is shown; a thread checks arguments by its own anyway.
 * T2. What a host had stays listed for a lease after it has gone, so that a restart is no change for clients; its calls
 *     are refused meanwhile, in words that say so.
 */
import type { CallKind, Catalog, Isolation } from '../call/catalog.ts';
import type { Lane, Member, Members } from './members.ts';

type Named = { readonly name: string; readonly isolation: Isolation };
type ListName = 'tools' | 'resources' | 'prompts';

/** A host, as one that takes calls of a lane. */
export interface HostPlace {
  readonly hostId: string;
  /** Of host and lane. */
  readonly key: string;
  /** Calls that it takes at a time. */
  readonly capacity: number;
}

interface Target {
  readonly group: string;
  readonly lane: Lane;
  /** Calls that its live hosts take at a time. */
  capacity: number;
  readonly hosts: HostPlace[];
}

const LISTS: readonly ListName[] = ['tools', 'resources', 'prompts'];

const NOTHING: Catalog = { tools: [], resources: [], prompts: [] };
const EMPTY = JSON.stringify(NOTHING);

export class Routes {
  readonly #members: Members;
  readonly #leaseMs: number;
  #catalog: Catalog = NOTHING;
  #text = '';
  /** By kind and name. */
  #targets = new Map<string, Map<string, Target>>();
  /** A host is there, and nobody knows what it has. */
  #hasUnread = false;
  /** What was had by hosts that are gone, and until when it stays. */
  readonly #seen = new Map<string, { readonly catalog: Catalog; readonly since: number; until: number }>();

  constructor(members: Members, leaseMs: number) {
    this.#members = members;
    this.#leaseMs = leaseMs;
  }

  get catalog(): Catalog {
    return this.#catalog;
  }

  /** Whether what there is is known: hosts that have something were there within a lease, and all have told it. */
  get isKnown(): boolean {
    return this.#text !== '' && this.#text !== EMPTY && !this.#hasUnread;
  }

  /** Looks at the members anew. @returns whether the catalog is another one. */
  update(): boolean {
    const now = performance.now();
    const hosts = this.#members.all.filter(({ host }) => host !== undefined);
    this.#targets = new Map();
    this.#hasUnread = false;
    for (const member of hosts) {
      const catalog = this.#members.catalogOf(member.host?.catalog ?? '');
      if (!catalog) {
        this.#hasUnread = true;
        continue;
      }
      this.#seen.set(member.host?.catalog ?? '', {
        catalog,
        since: member.since,
        until: now + this.#leaseMs,
      });
      if (!member.isDraining) this.#addTargets(member, catalog);
    }
    for (const [digest, { until }] of this.#seen) if (until < now) this.#seen.delete(digest);
    const merged = merge([...this.#seen.values()].sort((one, other) => other.since - one.since));
    const text = JSON.stringify(merged);
    if (text === this.#text) return false;
    this.#text = text;
    this.#catalog = merged;
    return true;
  }

  #addTargets({ id, host }: Member, catalog: Catalog): void {
    if (!host) return;
    for (const list of LISTS)
      for (const { name, isolation } of catalog[list] as readonly Named[]) {
        const lane: Lane = isolation === 'shared' ? 's' : 'x';
        const targets = this.#targets.get(`${list} ${name}`) ?? new Map<string, Target>();
        this.#targets.set(`${list} ${name}`, targets);
        for (const group of host.groups) {
          const target = targets.get(`${group}.${lane}`) ?? { group, lane, capacity: 0, hosts: [] };
          target.capacity += host.capacity[lane];
          target.hosts.push({ hostId: id, key: `${id}.${lane}`, capacity: Math.max(1, host.capacity[lane]) });
          targets.set(`${group}.${lane}`, target);
        }
      }
  }

  /** The group that is the least busy of those that have it. @param depth how many wait in a group's lane. */
  choose(
    kind: CallKind,
    name: string,
    args: unknown,
    depth: (group: string, lane: Lane) => number,
  ): Readonly<Target> | undefined {
    const targets = this.#targets.get(`${listOf(kind, args)} ${name}`);
    if (!targets) return undefined;
    let best: Target | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const target of targets.values()) {
      const load = (depth(target.group, target.lane) + 1) / Math.max(1, target.capacity);
      if (load < least) {
        least = load;
        best = target;
      }
    }
    return best;
  }
}

function listOf(kind: CallKind, args: unknown): ListName {
  if (kind === 'tool') return 'tools';
  const completed = (args as { readonly ref?: unknown } | null | undefined)?.ref;
  return kind === 'prompt' || (kind === 'completion' && completed === 'prompt') ? 'prompts' : 'resources';
}

/** @param newestFirst of equal names the first is taken. */
function merge(newestFirst: readonly { readonly catalog: Catalog }[]): Catalog {
  const list = <Item extends { readonly name: string }>(
    of: (catalog: Catalog) => readonly Item[],
  ): Item[] => {
    const byName = new Map<string, Item>();
    for (const { catalog } of newestFirst)
      for (const item of of(catalog)) if (!byName.has(item.name)) byName.set(item.name, item);
    return [...byName.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  };
  return {
    tools: list(({ tools }) => tools),
    resources: list(({ resources }) => resources),
    prompts: list(({ prompts }) => prompts),
  };
}
