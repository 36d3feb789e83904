/**
 * The gateway's tools for the workloads: the same work as the other contestants do, validated by zod like a real tool.
 * The gateway and zod are those of its own folder, as npm places them for a user who installs both: found at once, one copy.
 */
import { defineTool } from '../../../dist/lib/index.js';
import { z } from '../../../node_modules/zod/index.js';
import { bigChunk, burn, sleep, smallChunk, tokenChunk } from '../servers/work.mjs';

const echo = {
  description: 'Gives back the text it was called with.',
  input: z.object({ text: z.string() }),
  output: z.object({ text: z.string() }),
  annotations: { readOnlyHint: true },
  run: async ({ text }) => ({ text }),
};
const counted = z.object({ count: z.int().min(1) });

export default [
  defineTool({ ...echo, name: 'echo', isolation: 'shared' }),
  defineTool({ ...echo, name: 'echo_exclusive' }),
  defineTool({
    name: 'wait',
    description: 'Waits as a call to a remote service would.',
    input: z.object({ delayMs: z.int().min(0) }),
    isolation: 'shared',
    run: async ({ delayMs }) => {
      await sleep(delayMs);
      return { text: 'waited' };
    },
  }),
  defineTool({
    name: 'burn',
    description: 'Burns a fixed number of iterations; cannot be cancelled but by a kill.',
    input: z.object({ iterations: z.int().min(1) }),
    run: async ({ iterations }) => ({ state: burn(iterations) }),
  }),
  defineTool({
    name: 'chunks',
    description: 'Streams small chunks as fast as it can.',
    input: counted,
    isolation: 'shared',
    async *run({ count }) {
      for (let n = 0; n < count; n += 1) yield smallChunk(n);
    },
  }),
  defineTool({
    name: 'tokens',
    description: 'Streams small chunks one by one, as a language model does.',
    input: counted.extend({ everyMs: z.int().min(0) }),
    isolation: 'shared',
    async *run({ count, everyMs }) {
      for (let n = 0; n < count; n += 1) {
        await sleep(everyMs);
        yield tokenChunk(n);
      }
    },
  }),
  defineTool({
    name: 'big',
    description: 'Streams chunks of 1 MiB.',
    input: counted,
    isolation: 'shared',
    async *run({ count }) {
      for (let n = 0; n < count; n += 1) yield bigChunk(n);
    },
  }),
  defineTool({
    name: 'idle',
    description: 'Sends one chunk and then nothing until the client leaves.',
    isolation: 'shared',
    async *run(_input, { signal }) {
      yield {};
      await new Promise((left) => signal.addEventListener('abort', left, { once: true }));
    },
  }),
];
