/** What a gateway makes of the entries of a call, where Redis came back without its last moments. */
import { expect } from 'chai';
import { FleetCall, type FleetCallHost } from '../../lib/fleet/gateway/fleet-call.ts';
import { streamEntry } from '../../lib/fleet/gateway/stream-entry.ts';
import { END_ID } from '../../lib/fleet/redis/scripts.ts';

/** A call, what its runner was told of it, and what its reader got. */
function watched() {
  const told: string[] = [];
  const host: FleetCallHost = {
    cancelled: (call, error) => {
      told.push(error.code);
      call.fail(error);
    },
    answer: () => undefined,
    credit: () => undefined,
    waited: () => undefined,
    behind: () => told.push('behind'),
    overtaken: () => told.push('overtaken'),
    ended: () => undefined,
    defect: (error) => told.push(String(error)),
  };
  const request = { callId: 'c', caller: { keyId: 'k', transport: 'http' } };
  const call = new FleetCall(request as never, host, { keepBytes: 0 });
  const read = async () => {
    const events: string[] = [];
    for await (const event of call) {
      if (event.type === 'chunks') events.push(`chunks ${event.index}`);
      else events.push(event.type === 'error' ? event.error.code : event.type);
      if (event.type === 'result' || event.type === 'error') break;
    }
    return events;
  };
  return { call, told, read };
}

const started = (run: string) => streamEntry('1-1', 's', run, '[0]', '');
const chunk = (seq: number, run: string) => streamEntry(`1-${seq}`, 'c', run, `${seq - 2}`, '1');
const result = (before: string) =>
  streamEntry(END_ID, 'r', before, JSON.stringify([0, 1, 'value', 2, null, 1, [0]]), '[1,1]');

describe('a call on a fleet, as its gateway has it', () => {
  it('is the events of one run', async () => {
    const { call, told, read } = watched();
    for (const entry of [started('7'), chunk(2, '7'), chunk(3, '7'), result('1-3')]) call.hear(entry);
    expect(await read()).to.deep.equal(['started', 'chunks 0', 'chunks 1', 'result']);
    expect(told).to.deep.equal([]);
  });

  for (const [where, tell] of [
    ['heard', (call: FleetCall, entry: ReturnType<typeof chunk>) => call.hear(entry)],
    ['fetched', (call: FleetCall, entry: ReturnType<typeof chunk>) => call.fetched([entry], true)],
  ] as const) {
    for (const [what, entry] of [
      ['begins anew under the same number', started('8')],
      ['goes on under the same number', chunk(4, '8')],
    ] as const)
      it(`ends gone when another run ${what} (${where})`, async () => {
        const { call, told, read } = watched();
        for (const one of [started('7'), chunk(2, '7'), chunk(3, '7')]) call.hear(one);
        tell(call, entry);
        expect(await read()).to.deep.equal(['started', 'chunks 0', 'chunks 1', 'gone']);
        expect(told).to.deep.equal(['gone']);
      });

    it(`ends gone when a run ends behind what was told (${where})`, async () => {
      const { call, read } = watched();
      for (const one of [started('7'), chunk(2, '7'), chunk(3, '7')]) call.hear(one);
      tell(call, result('1-2'));
      expect(await read()).to.deep.equal(['started', 'chunks 0', 'chunks 1', 'gone']);
    });
  }

  it('takes what a host of an older version writes, which does not say of which run it is', async () => {
    const { call, told, read } = watched();
    for (const entry of [started(''), chunk(2, '')]) call.hear(entry);
    for (const entry of [chunk(2, ''), chunk(3, ''), result('1-3')]) call.fetched([entry], true);
    expect(await read()).to.deep.equal(['started', 'chunks 0', 'chunks 1', 'result']);
    expect(told).to.deep.equal([]);
  });
});
