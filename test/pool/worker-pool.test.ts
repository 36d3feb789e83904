import { expect } from 'chai';
import type { WorkerPool } from '../../lib/pool/worker-pool.ts';
import { call, eventsOf, startPool } from '../support/start-pool.ts';

describe('WorkerPool', () => {
  let pool: WorkerPool;
  beforeEach(async () => {
    pool = await startPool();
  });
  afterEach(() => pool.close());

  it('runs a call and gives started, its chunks in order and one result', async () => {
    const events = await eventsOf(call(pool, 'count', { n: 200 }));
    expect(events[0]).to.deep.equal({ type: 'started' });
    const items = events.flatMap((event) => (event.type === 'chunks' ? event.items : []));
    expect(items).to.deep.equal(Array.from({ length: 200 }, (_, i) => `{"i":${i}}`));
    const result = events.at(-1);
    expect(result).to.include({ type: 'result', chunks: 200, repeats: true });
  });
});
