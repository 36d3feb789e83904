/** What MCP has beside calls: questions, resources that change. */
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { defineResource, defineTool } from '../../../lib/index.ts';
import { again } from './counting.ts';

export const ask = defineTool({
  name: 'ask',
  description: 'Asks its client for a colour.',
  input: z.object({}),
  async run(_, context) {
    const answer = await context.elicit({
      message: 'Which colour?',
      requestedSchema: { type: 'object', properties: { colour: { type: 'string' } } },
    });
    return answer;
  },
});

export const change = defineTool({
  name: 'change',
  description: 'Says that a resource has changed.',
  input: z.object({ uri: z.string() }),
  async run({ uri }, context) {
    context.resourceUpdated(uri);
    return uri;
  },
});

export const thing = defineResource({
  name: 'thing',
  uri: 'thing://one',
  description: 'Something that changes.',
  read: async () => 'as it is',
});

/** Runs as a task where its client has them. */
export const job = defineTool({
  name: 'job',
  description: 'Counts slowly, as a task.',
  meta: { 'io.github.mcp-streaming-gateway/taskSupport': 'optional' },
  input: z.object({
    everyMs: z.number().default(20),
    count: z.number().default(10),
    /** It goes on until this file is there. */
    until: z.string().optional(),
    asks: z.boolean().default(false),
  }),
  async run({ everyMs, count, until, asks }, context) {
    if (asks)
      await context.elicit({ message: 'Go on?', requestedSchema: { type: 'object', properties: {} } });
    for (let at = 1; at <= count || (until !== undefined && !existsSync(until)); at++) {
      await setTimeout(everyMs, undefined, { signal: context.signal });
      context.progress(at, Math.max(at, count), 'counting');
    }
    return 'counted';
  },
});

/** Takes its thread with it, the first time. */
export const stumble = defineTool({
  name: 'stumble',
  description: 'Crashes once.',
  annotations: { idempotentHint: true },
  input: z.object({ file: z.string() }),
  async *run({ file }) {
    if (!existsSync(file)) {
      writeFileSync(file, '');
      process.exit(3);
    }
    yield 'up again';
  },
});

export const reads = defineTool({ ...again, name: 'reads', annotations: { readOnlyHint: true } });
