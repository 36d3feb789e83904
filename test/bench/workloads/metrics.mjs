/**
 * (x) What being watched costs: echo on 32 connections and small chunks to one SSE client, of a gateway without /metrics
 * and of one whose /metrics is scraped and whose /stats/stream is read meanwhile, both every second.
 */
import { CHUNKS, QUICK_CHUNKS, runChunkRounds } from '../harness/chunk-rounds.mjs';
import { KEY, ours } from '../harness/contestants.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { streamRequest, TEXT, toolRequest } from '../harness/requests.mjs';
import { inShortTurns, runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;
const SCRAPE_MS = 1000;

export const title = '(x) with /metrics scraped and /stats/stream read, beside METRICS=off';
export const columns = ['perSecond', 'p99Ms', 'cpuUs', 'chunkCpuUs'];
export const targets = [
  { of: 'watched', than: 'ours', by: 'cpuUs', atLeast: 0.97 },
  { of: 'watched-chunks', than: 'ours-chunks', by: 'chunkCpuUs', atLeast: 0.97 },
];

const off = (id, label) => ours({ METRICS: 'off' }, id, label);
const on = (id, label) => ours({ METRICS: 'on' }, id, label);

/** Watches a gateway as a scraper and a console do, until it is gone. */
function watch({ url }) {
  const headers = { 'X-API-Key': KEY };
  const timer = setInterval(
    () =>
      fetch(`${url}/metrics`, { headers })
        .then((response) => response.text())
        .catch(() => clearInterval(timer)),
    SCRAPE_MS,
  );
  timer.unref();
  fetch(`${url}/stats/stream`, { headers })
    .then((response) => response.text())
    .catch(() => undefined);
}

export async function run(given) {
  const plan = inShortTurns(given);
  const watched = new WeakSet();
  const watchOnce = (contestant) => {
    if (!watched.has(contestant)) watch(contestant);
    watched.add(contestant);
  };
  const echo = (spec, before) =>
    httpEntry(spec, toolRequest('echo', { text: TEXT }), plan, { connections: CONNECTIONS, before });
  const chunks = (spec, before) => ({
    spec,
    job: async (contestant, count) => {
      before?.(contestant);
      return {
        ...streamRequest('chunks', { count }),
        until: 'event: done',
        verify: '"index":(\\d+),',
      };
    },
  });
  const calls = await runRounds(
    [echo(off('ours', 'METRICS=off')), echo(on('watched', 'watched'), watchOnce)],
    plan,
  );
  const count = plan.quick ? QUICK_CHUNKS : CHUNKS;
  const streams = await runChunkRounds(
    [
      chunks(off('ours-chunks', `METRICS=off, ${count} chunks`)),
      chunks(on('watched-chunks', `watched, ${count} chunks`), watchOnce),
    ],
    plan,
  );
  return [...calls, ...streams];
}
