/** (l) journeys_tool: durable creates per second on 32 connections, and a streamed list of 100 000 journeys. */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { timeCall } from '../harness/call.mjs';
import { startContestant } from '../harness/contestant.mjs';
import { ours } from '../harness/contestants.mjs';
import { loadHttp } from '../harness/http-load.mjs';
import { streamRequest, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';
import { runLoad } from '../harness/run-load.mjs';

const LISTED = 100_000;
const QUICK_LISTED = 10_000;
const BATCH = 2_000;
const CONNECTIONS = 32;

export const title =
  '(l) journeys: durable creates per second, journeys per second of a streamed list of 100 000';
export const columns = ['createsPerSecond', 'listedPerSecond', 'listMs'];

const sqliteHttp = {
  id: 'sqlite',
  label: 'better-sqlite3 in process on node:http',
  args: () => ['servers/sqlite-http.mjs'],
};

export function run(plan) {
  const listed = plan.quick ? QUICK_LISTED : LISTED;
  const batch = Array.from({ length: BATCH }, (_, n) => ({ name: `journey ${n}` }));
  const entry = (spec, makeList) => ({
    spec,
    cold: true,
    measure: async (started) => {
      const directory = join(tmpdir(), `mcp-streaming-gateway-bench-journeys-${process.pid}`);
      const contestant = await startContestant({
        ...started,
        env: { ...started.env, DATA_DIR: directory },
      });
      try {
        for (let done = 0; done < listed; done += BATCH)
          await timeCall(contestant, toolRequest('journeys_tool', { action: 'import', journeys: batch }));
        const list = { ...makeList(), port: contestant.port, until: 'event: done' };
        await runLoad('stream-client', list);
        const { ms } = await runLoad('stream-client', list);
        const create = toolRequest('journeys_tool', { action: 'create', name: 'a journey' });
        const { perSecond } = await loadHttp(contestant, create, {
          connections: CONNECTIONS,
          seconds: plan.seconds,
        });
        return { createsPerSecond: perSecond, listedPerSecond: listed / (ms / 1000), listMs: ms };
      } finally {
        await contestant.stop();
        rmSync(directory, { recursive: true, force: true });
      }
    },
  });
  return runRounds(
    [
      entry(ours(), () => streamRequest('journeys_tool', { action: 'list' })),
      entry(sqliteHttp, () => toolRequest('journeys_tool', { action: 'list' })),
    ],
    plan,
  );
}
