/** What one caller's call does to the built-ins of its thread, and what another caller's calls see of it: nothing. */
import { expect } from 'chai';
import type { ToolEvent } from '../../../lib/call/call-events.ts';
import type { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { POISONS } from '../../fixtures/poisonous-tools.ts';
import { eventually } from '../../support/eventually.ts';
import { call, eventsOf, startPool } from '../../support/start-pool.ts';

const by = (keyId: string) => ({ caller: { keyId, transport: 'http' } });

/** What a call tells its caller, without its times and its progress. */
function told(events: readonly ToolEvent[]): unknown[] {
  return events.flatMap((event): unknown[] => {
    if (event.type === 'chunks') return [...event.items];
    if (event.type === 'result') return [{ data: event.data, chunks: event.chunks }];
    return event.type === 'error' ? [event.error.code, event.error.message] : [];
  });
}

for (const isolation of ['exclusive', 'shared'] as const) {
  describe(`a thread of ${isolation} calls that one caller's call has changed`, () => {
    let pool: WorkerPool;
    let expected: unknown[];
    const controls = async (keyId: string) =>
      told(await eventsOf(call(pool, `control_${isolation}`, {}, by(keyId))));

    before(async () => {
      pool = await startPool({ minThreads: 1, maxThreads: 1 }, ['poisonous-tools']);
      expected = await controls('victim');
      expect(expected).to.have.length(3);
    });
    after(() => pool.close());

    for (const how of Object.keys(POISONS)) {
      it(`serves no other caller: ${how}`, async () => {
        const { restarts } = pool.stats().own.summary.workers;
        const end = await call(pool, `poison_${isolation}`, { how }, by('attacker')).outcome();
        expect(end.type).to.be.oneOf(['result', 'error']);
        for (let round = 0; round < 3; round++) expect(await controls('victim')).to.deep.equal(expected);
        await eventually(() => pool.stats().own.summary.workers.restarts > restarts);
      }).timeout(10_000);
    }
  });
}
