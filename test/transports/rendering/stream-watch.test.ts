import { setImmediate as turn } from 'node:timers/promises';
import { expect } from 'chai';
import { StreamWatch } from '../../../lib/transports/rendering/stream-watch.ts';
import { newTransportMeter } from '../../../lib/transports/rendering/transport-meter.ts';
import { eventually } from '../../support/eventually.ts';

const STALL_MS = 400;

/** A stream whose reader has read all but so much. */
class Reader {
  readonly socket = { bytesWritten: 1000, writableLength: 1000 };
  readonly meter = newTransportMeter();
  stalls = 0;
  stall(): void {
    this.stalls++;
  }
}

const standStill = (ms: number): void => {
  const until = performance.now() + ms;
  while (performance.now() < until);
};

describe('StreamWatch', () => {
  const watch = () => new StreamWatch({ heartbeatMs: 60_000, stallMs: STALL_MS });

  it('ends a reader that stands still, once', async () => {
    const reader = new Reader();
    watch().add(reader);
    await eventually(() => reader.stalls > 0);
    standStill(STALL_MS);
    await turn();
    expect(reader.stalls).to.equal(1);
    expect(reader.meter.slowConsumers).to.equal(1);
  });

  it('does not hold against a reader that the process itself stood still', async () => {
    const [reader, still] = [new Reader(), new Reader()];
    const readers = watch();
    readers.add(reader);
    readers.add(still);
    standStill(5 * STALL_MS);
    await turn(); // the timer comes first, then what the reader has read meanwhile is known
    expect([reader.stalls, still.stalls]).to.deep.equal([0, 0]);
    reader.socket.writableLength = 0;
    await eventually(() => still.stalls > 0);
    expect(reader.stalls).to.equal(0);
    readers.remove(reader);
  });
});
