/**
 * The tools of a fleet under chaos: they count, mark each chunk with the run it is of, and write each start and end to a
 * file that no Redis can lose.
 */
import { randomBytes } from 'node:crypto';
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { defineTool } from '../../../lib/index.ts';

const input = z.object({
  log: z.string(),
  /** Of the call, in the log. */
  name: z.string(),
  count: z.number(),
  everyMs: z.number(),
  size: z.number(),
  /** It goes on until this file is there. */
  until: z.string().optional(),
});

async function* counted(
  { log, name, count, everyMs, size, until }: z.output<typeof input>,
  { signal }: { readonly signal: AbortSignal },
) {
  const run = randomBytes(6).toString('hex');
  appendFileSync(log, `start ${name} ${run} ${Date.now()}\n`);
  try {
    for (let at = 0; at < count || (until !== undefined && !existsSync(until)); at++) {
      if (everyMs > 0) await sleep(everyMs, undefined, { signal });
      yield { at, run, text: 'x'.repeat(size) };
    }
  } finally {
    appendFileSync(log, `stop ${name} ${run} ${Date.now()}\n`);
  }
}

export const fleetOnce = defineTool({
  name: 'fleet_once',
  description: 'Counts; must not run twice.',
  input,
  run: counted,
});

export const fleetAgain = defineTool({
  name: 'fleet_again',
  description: 'Counts; may run again.',
  annotations: { idempotentHint: true },
  input,
  run: counted,
});
