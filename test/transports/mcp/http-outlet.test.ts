import { expect } from 'chai';
import { EventRing } from '../../../lib/transports/mcp/http/event-ring.ts';
import { HttpOutlet } from '../../../lib/transports/mcp/http/http-outlet.ts';
import type { McpReply } from '../../../lib/transports/mcp/http/reply.ts';

/** A response that keeps what it is given, and whose client may leave. */
function fakeReply() {
  const events: string[] = [];
  let leave: (isStalled: boolean) => void = () => {};
  const reply = {
    isStream: true,
    open: () => {},
    end: () => {},
    drained: () => undefined,
    event: (text: string) => events.push(text),
    onLeave: (listener: typeof leave) => {
      leave = listener;
    },
  };
  return { reply: reply as unknown as McpReply, events, leave: () => leave(false) };
}

describe('the outlet of a request that came by HTTP', () => {
  it('keeps what is told while its client is away, and gives it to who comes back', () => {
    const ring = new EventRing();
    const resumption = { ring, stream: 'r1', retryMs: 1, graceMs: 1000, primes: false };
    const [first, second] = [fakeReply(), fakeReply()];
    const outlet = new HttpOutlet(first.reply, true, resumption);
    outlet.send('one');
    first.leave();
    outlet.send('two'); // such as what waited for its moment
    outlet.attach(second.reply, ring.after('r1', 1));
    outlet.send('three');
    expect([first.events, second.events]).to.deep.equal([['one'], ['two', 'three']]);
  });
});
