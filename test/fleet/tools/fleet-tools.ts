/** The tools of the hosts that live. */
import { z } from 'zod';
import { defineTool } from '../../../lib/index.ts';
import * as counting from './counting.ts';

export const once = defineTool(counting.once);
export const again = defineTool(counting.again);

export const big = defineTool({
  name: 'big',
  description: 'Returns a long text.',
  input: z.object({ size: z.number() }),
  run: async ({ size }) => 'y'.repeat(size),
});
