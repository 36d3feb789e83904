/** A thousand tools like those that people have, beside which the tools of the workloads are few: what a tool takes that is only there. */
import { defineTool } from '../../../dist/lib/index.js';
import { z } from '../../../node_modules/zod/index.js';

const COUNT = 1_000;

export default Array.from({ length: COUNT }, (_, n) =>
  defineTool({
    name: `tool_${n}`,
    description: `Looks up number ${n} in an archive and gives back what it finds there.`,
    input: z.object({
      query: z.string().min(1).describe('What to look for.'),
      limit: z.int().min(1).max(100).default(10),
      tags: z.array(z.string()).optional(),
    }),
    isolation: 'shared',
    run: async ({ query, limit }) => ({ query, limit }),
  }),
);
