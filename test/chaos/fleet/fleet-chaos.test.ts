/** A short run of chaos over a fleet: as many faults as a busy machine has time for, and nothing that is promised broken. */
import { expect } from 'chai';
import { missingRedis } from '../../fleet/redis-server.ts';
import { ObservedCall, type Promised } from './observed-call.ts';
import { fleetTable, fleetVerdict, runFleetChaos } from './run-fleet-chaos.ts';

describe('chaos over a fleet', () => {
  it('breaks nothing that is promised', async function () {
    this.timeout(400_000);
    const reason = missingRedis();
    if (reason !== undefined) {
      console.warn(`      skipped: ${reason}`);
      this.skip();
    }
    const report = await runFleetChaos({
      seed: 14,
      faults: 1000,
      seconds: 15,
      gateways: 2,
      hosts: 2,
      clients: 6,
      parallel: 2,
      kinds: [],
      topology: 'standby',
    });
    console.log(`${fleetTable(report)}\n${fleetVerdict(report)}`.replace(/^/gm, '        '));
    expect(report.violations).to.deep.equal([]);
    expect(report.endings.get('success') ?? 0).to.be.above(0);
    expect([...report.faults.values()].reduce((sum, count) => sum + count, 0)).to.be.above(0);
  });

  describe('its checker', () => {
    /** What it finds in a call of which a client saw these events. */
    function found(
      events: readonly (readonly [number, string, object])[],
      { isOnce = true, starts = ['a'] }: { isOnce?: boolean; starts?: readonly string[] } = {},
    ): Promised[] {
      const promises: Promised[] = [];
      const call = new ObservedCall({ name: 'n', isOnce, count: 2 }, (promise) => promises.push(promise));
      call.callId = 'c';
      for (const [id, name, data] of events) call.see({ id: `c.${id}`, name, data: JSON.stringify(data) });
      call.judge(
        starts.map((run) => ({ run, at: 0 })),
        2,
      );
      return promises;
    }
    const chunk = (index: number, run = 'a') => ({ index, data: { at: index, run } });
    const whole = [
      [1, 'chunk', chunk(0)],
      [2, 'chunk', chunk(1)],
      [3, 'result', {}],
      [4, 'done', {}],
    ] as const;

    it('finds nothing in a call as it should be, seen in part twice', () => {
      expect(found([...whole, whole[1]])).to.deep.equal([]);
    });

    it('finds a hole, a change, a second run, a chunk of an earlier run and a call without an end', () => {
      expect(found([whole[0], whole[2], whole[3]])).to.deep.equal(['hole', 'hole']);
      expect(found([...whole, [2, 'chunk', chunk(1, 'b')]])).to.deep.equal(['order']);
      expect(found(whole, { starts: ['a', 'b'] })).to.deep.equal(['once']);
      const restarted = [whole[0], [2, 'restarted', {}], [3, 'chunk', chunk(0)]] as const;
      expect(found(restarted, { isOnce: false })).to.deep.equal(['fence', 'end']);
    });
  });
});
