/**
 * The tool module that the gateway under chaos loads: tools that misbehave as they are told, and control tools, whose
 * right answers the caller knows beforehand.
 */
import { z } from 'zod';
import { defineTool } from '../../../lib/tool/define-tool.ts';
import { ALLOCATIONS } from './allocations.ts';
import { changedBuiltIn } from './canary.ts';
import { checksum } from './checksum.ts';
import { FAILURES } from './failures.ts';
import { LEFTOVERS } from './leftovers.ts';
import type { Misbehaviour } from './misbehaviour.ts';
import { OUTPUTS } from './outputs.ts';
import { POISONS } from './poisons.ts';
import { STUBBORN } from './stubborn.ts';

const MISBEHAVIOURS: ReadonlyMap<string, Misbehaviour> = new Map(
  [FAILURES, OUTPUTS, ALLOCATIONS, STUBBORN, POISONS, LEFTOVERS].flatMap((table) => Object.entries(table)),
);

const Order = z.object({ how: z.string(), nonce: z.string(), n: z.int().default(3) });

const chaosTool = (name: string, more: { isolation?: 'shared'; timeoutMs?: number }) =>
  defineTool({
    name,
    description: 'Misbehaves in the way that `how` names.',
    input: Order,
    ...more,
    async *run({ how, ...marked }, context): AsyncGenerator<unknown, unknown, void> {
      const misbehave = MISBEHAVIOURS.get(how);
      if (!misbehave) throw new Error(`no misbehaviour ${how}`);
      return yield* misbehave(marked, context);
    },
  });

export const chaos = chaosTool('chaos', {});
/** Its limit strikes soon, on transports that have no way to ask for one too. */
export const chaosBrief = chaosTool('chaos_brief', { timeoutMs: 700 });
export const chaosShared = chaosTool('chaos_shared', { isolation: 'shared' });

const controlTools = (suffix: string, more: { isolation?: 'shared' }) => [
  defineTool({
    name: `control_echo${suffix}`,
    description: 'Gives back what it was given.',
    input: z.object({ nonce: z.string(), value: z.unknown() }),
    ...more,
    run: async ({ nonce, value }) => ({ nonce, value }),
  }),
  defineTool({
    name: `control_chunks${suffix}`,
    description: 'Yields n chunks in order, and returns a checksum over them.',
    input: z.object({ nonce: z.string(), n: z.int(), text: z.string() }),
    ...more,
    async *run({ nonce, n, text }, { progress }) {
      let sum = 0;
      for (let at = 0; at < n; at++) {
        sum = checksum(sum, `${at} ${text}`);
        progress(at + 1, n, nonce);
        yield { nonce, n: at, text, sum };
        if (at % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      return { nonce, sum };
    },
  }),
  defineTool({
    name: `control_canary${suffix}`,
    description: 'Says which built-in of its thread is not as it was.',
    input: z.object({ nonce: z.string() }),
    ...more,
    run: async ({ nonce }) => ({ nonce, changed: changedBuiltIn() }),
  }),
];

export const controls = controlTools('', {});
export const sharedControls = controlTools('_shared', { isolation: 'shared' });
