/**
 * Tools that the stories run: each behaves in one way, good or bad, and leaves marks in the file at `mark`, so that
 * a test sees from outside what happened in the thread.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync } from 'node:fs';
import { z } from 'zod';
import { defineTool } from '../../lib/tool/define-tool.ts';

const Marked = z.object({ mark: z.string().optional() });

function leave(mark: string | undefined, word: string): void {
  if (mark !== undefined) appendFileSync(mark, `${word}\n`);
}

export const waitTool = defineTool({
  name: 'wait_tool',
  description: 'Yields a chunk, then waits until it is cancelled.',
  input: Marked,
  async *run({ mark }, { signal }) {
    leave(mark, 'started');
    yield { waiting: true };
    if (!signal.aborted) await once(signal, 'abort');
    leave(mark, 'aborted');
  },
});

export const cleanTool = defineTool({
  name: 'clean_tool',
  description: 'Yields a chunk, starts a program that ends with the call, and cleans up in its own time.',
  input: Marked,
  async *run({ mark }, { signal }) {
    const child = spawn('sleep', ['600'], { signal, stdio: 'ignore' });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.on('error', () => {}); // that it was aborted
    leave(mark, `child ${child.pid}`);
    leave(mark, 'started');
    try {
      yield { waiting: true };
      await gone;
    } finally {
      await new Promise((resolve) => setTimeout(resolve, 60));
      leave(mark, 'cleaned up');
    }
  },
});

export const spinTool = defineTool({
  name: 'spin_tool',
  description: 'Yields a chunk, then spins and listens to nobody.',
  input: Marked,
  async *run({ mark }) {
    leave(mark, 'started');
    yield { spinning: true };
    for (;;);
  },
});

export const dieTool = defineTool({
  name: 'die_tool',
  description: 'Yields three chunks, then ends its thread.',
  async *run() {
    for (const chunk of [0, 1, 2]) yield chunk;
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.exit(7);
  },
});

export const holdTool = defineTool({
  name: 'hold_tool',
  description: 'Answers after some milliseconds, and not before there is a file at `until`.',
  input: Marked.extend({ ms: z.number(), until: z.string().optional() }),
  async run({ mark, ms, until }) {
    leave(mark, 'started');
    do await new Promise((resolve) => setTimeout(resolve, ms));
    while (until !== undefined && !existsSync(until));
    return { held: ms };
  },
});

export const floodTool = defineTool({
  name: 'flood_tool',
  description: 'Yields chunks of 64 KiB as fast as they are taken.',
  input: Marked.extend({ chunks: z.int() }),
  async *run({ mark, chunks }) {
    leave(mark, 'started');
    const text = 'x'.repeat(64 * 1024);
    for (let n = 0; n < chunks; n++) yield { n, text };
    leave(mark, 'finished');
  },
});
