/** What gateways of a fleet know of its tools: from hosts that come, go, and have not told yet what they have. */
import { expect } from 'chai';
import type { Catalog } from '../../lib/call/catalog.ts';
import type { Member, Members } from '../../lib/fleet/members.ts';
import { Routes } from '../../lib/fleet/routes.ts';
import { type StillClock, stillClock } from '../support/still-clock.ts';

const catalogOf = (name: string): Catalog => ({
  tools: [{ name, description: name, inputSchema: { type: 'object' }, isolation: 'exclusive' }],
  resources: [],
  prompts: [],
});
const host = (id: string, catalog: string): Member => ({
  id,
  role: 'worker',
  version: '1',
  since: 1,
  isDraining: false,
  host: {
    groups: [catalog],
    catalog,
    capacity: { x: 1, s: 1 },
    busy: 0,
    frames: 1,
    takeovers: 0,
    fenced: 0,
    refills: 0,
    recreated: 0,
  },
});

describe('what a gateway of a fleet knows of its tools', () => {
  function routesOf(leaseMs: number) {
    const catalogs = new Map<string, Catalog>();
    const members = { all: [] as Member[], catalogOf: (digest: string) => catalogs.get(digest) };
    return { catalogs, members, routes: new Routes(members as unknown as Members, leaseMs) };
  }
  let clock: StillClock | undefined;
  afterEach(() => clock?.release());
  const names = (routes: Routes) => routes.catalog.tools.map(({ name }) => name);

  it('is nothing before a host was there, and not all while one has not told what it has', () => {
    const { catalogs, members, routes } = routesOf(60_000);
    routes.update();
    expect(routes.isKnown).to.equal(false);
    catalogs.set('a', catalogOf('a'));
    members.all = [host('one', 'a'), host('two', 'b')];
    routes.update();
    expect([names(routes), routes.isKnown]).to.deep.equal([['a'], false]);
    catalogs.set('b', catalogOf('b'));
    routes.update();
    expect([names(routes), routes.isKnown]).to.deep.equal([['a', 'b'], true]);
  });

  it('stays for a lease when the host is gone; after that nothing is known again', () => {
    const { catalogs, members, routes } = routesOf(3000);
    clock = stillClock();
    catalogs.set('a', catalogOf('a'));
    members.all = [host('one', 'a')];
    routes.update();
    members.all = [];
    routes.update();
    expect([names(routes), routes.isKnown]).to.deep.equal([['a'], true]);
    clock.pass(3000);
    routes.update();
    expect([names(routes), routes.isKnown]).to.deep.equal([['a'], true]);
    clock.pass(1);
    routes.update();
    expect([names(routes), routes.isKnown]).to.deep.equal([[], false]);
  });
});
