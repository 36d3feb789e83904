/** What the tools of these tests do: count. Each start is a line of a file. */
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';

const input = z.object({
  log: z.string().optional(),
  count: z.number().default(5),
  /** It goes on until this file is there, so that a test has what time it needs. */
  until: z.string().optional(),
  everyMs: z.number().default(0),
  size: z.number().default(10),
});

async function* counted(
  { log, count, until, everyMs, size }: z.output<typeof input>,
  { signal }: { readonly signal: AbortSignal },
) {
  if (log !== undefined) appendFileSync(log, `start ${process.pid}\n`);
  for (let at = 0; at < count || (until !== undefined && !existsSync(until)); at++) {
    if (everyMs > 0) await setTimeout(everyMs, undefined, { signal });
    yield { at, text: 'x'.repeat(size) };
    if (log !== undefined && size > 1000) appendFileSync(log, `${at}\n`);
  }
}

export const once = { name: 'once', description: 'Counts; must not run twice.', input, run: counted };

export const again = {
  name: 'again',
  description: 'Counts; may run again.',
  annotations: { idempotentHint: true },
  input,
  run: counted,
};
