/** What MCP has beside calls: questions, resources that change. */
import { z } from 'zod';
import { defineResource, defineTool } from '../../../lib/index.ts';

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
