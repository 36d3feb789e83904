import { expect } from 'chai';
import { readTrace, traceIdOf } from '../../lib/call/trace-context.ts';

const ID = '0af7651916cd43dd8448eb211c80319c';
const GOOD = `00-${ID}-b7ad6b7169203331-01`;

describe('a trace context', () => {
  it('is read with its state and baggage', () => {
    const whole = { traceparent: GOOD, tracestate: 'a=1', baggage: 'user=2' };
    expect(readTrace({ ...whole, other: 1 })).to.deep.equal(whole);
    expect(traceIdOf({ traceparent: GOOD })).to.equal(ID);
    expect(readTrace({ traceparent: `cc-${GOOD.slice(3)}-later` })).to.have.property('traceparent');
  });

  it('is none without a good traceparent', () => {
    const bad = [
      undefined,
      5,
      [GOOD],
      '',
      GOOD.toUpperCase(),
      `ff${GOOD.slice(2)}`,
      `${GOOD}-more`,
      `${GOOD}, ${GOOD}`,
      `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
      `00-${ID}-${'0'.repeat(16)}-01`,
    ];
    for (const traceparent of bad)
      expect(readTrace({ traceparent, baggage: 'a=1' }), String(traceparent)).to.equal(undefined);
  });

  it('leaves out what is too long, or cannot be a header', () => {
    const read = readTrace({ traceparent: GOOD, tracestate: 'x'.repeat(513), baggage: 'a=1\r\nb: 2' });
    expect(read).to.deep.equal({ traceparent: GOOD });
  });
});
