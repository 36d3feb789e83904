/** Tickets: how long they are good, for what, and how many there may be. */
import { expect } from 'chai';
import { TICKET_MS, type Ticket, Tickets } from '../../lib/access/tickets.ts';
import type { Peers } from '../../lib/call/peers.ts';

describe('tickets', () => {
  let now = 0;
  let tickets: Tickets;
  const found = (text: string) => {
    const ticket = tickets.find(text) as Ticket | undefined;
    if (!ticket) throw new Error('there is no such ticket');
    return ticket;
  };
  beforeEach(() => {
    now = 1000;
    tickets = new Tickets(() => now);
  });

  it('stand for the key that asked, and start nothing after half a minute', () => {
    const text = tickets.issue('key-a');
    expect(text).to.match(/^[\w-]{32}$/);
    expect(found(text)).to.include({ keyId: 'key-a', callId: undefined });
    now += TICKET_MS;
    expect(tickets.find(text)).to.equal(undefined);
    expect(tickets.find('invented')).to.equal(undefined);
  });

  it('last as long as the call that they are bound to is kept', () => {
    const text = tickets.issue('key-a');
    tickets.bind(found(text), 'call-1', Infinity);
    now += 100 * TICKET_MS;
    expect(found(text).callId).to.equal('call-1');
    tickets.lasts(found(text), 5000);
    now += 4999;
    expect(found(text).callId).to.equal('call-1');
    now += 1;
    expect(tickets.find(text)).to.equal(undefined);
  });

  it('are void for good once their key is taken away, whatever becomes of their calls then', () => {
    const [text, other] = [tickets.issue('key-a'), tickets.issue('key-b')];
    const ticket = found(text);
    tickets.bind(ticket, 'call-1', Infinity);
    tickets.revoke(new Set(['key-a']));
    tickets.lasts(ticket, 5000); // its call was cancelled with the key
    expect(tickets.find(text)).to.equal(undefined);
    expect(found(other).keyId).to.equal('key-b');
    expect(tickets.size).to.equal(1);
  });

  it('are so many a key, those that are void not counted, and no other key is refused', () => {
    for (let n = 0; n < 10_000; n++) tickets.issue('key-a');
    expect(() => tickets.issue('key-a'))
      .to.throw('has 10000 tickets')
      .with.property('code', 'overloaded');
    tickets.issue('key-b');
    now += TICKET_MS;
    tickets.issue('key-a');
    expect(tickets.size).to.equal(1);
  });

  it('on a fleet are good again for a key that was taken away and is back', async () => {
    const known = new Map<string, Record<string, string>>();
    const peers = {
      read: async (name: string) => known.get(name) ?? {},
      write: async (name: string, fields: Record<string, string>) => void known.set(name, fields),
    } as unknown as Peers;
    const tickets = new Tickets(() => 0, peers);
    const before = tickets.issue('key');
    await tickets.share(before);
    tickets.revoke(new Set(['key']));
    expect(await tickets.find(before)).to.equal(undefined);
    const after = tickets.issue('key');
    await tickets.share(after);
    expect(await tickets.find(after)).to.include({ keyId: 'key' });
  });
});
