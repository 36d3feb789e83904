/**
 * Journeys for MCP clients that attach data to a conversation: each is a resource, and a prompt helps to plan one.
 *
 * R1. A list of resources is one message, so it holds the latest LISTED journeys; `journeys_tool` lists them all.
 */
import { definePrompt } from '../../lib/tool/define-prompt.ts';
import { defineResource } from '../../lib/tool/define-resource.ts';
import type { Journey } from './journey.ts';
import { threadStore } from './thread-store.ts';

const LISTED = 200;

export const journeyUri = (id: string) => `journey://${id}`;

export const journeyResource = defineResource({
  name: 'journey',
  title: 'Journey',
  description: 'One journey, as JSON.',
  uriTemplate: journeyUri('{id}'),
  mimeType: 'application/json',
  async read({ variables }) {
    const journey = await (await threadStore()).get(variables['id'] ?? '');
    return JSON.stringify(journey, null, 2);
  },
  async list() {
    return (await latest()).map(({ id, name, description, status }) => ({
      uri: journeyUri(id),
      name,
      description: description || `${status} journey`,
      mimeType: 'application/json',
    }));
  },
  complete: {
    async id(value) {
      return (await latest()).map(({ id }) => id).filter((id) => id.startsWith(value));
    },
  },
});

async function latest(): Promise<Journey[]> {
  const store = await threadStore();
  const journeys: Journey[] = [];
  for await (const page of store.pages({ sort: '-updatedAt' }, null, LISTED))
    for (const { journey } of page) if (journey) journeys.push(journey);
  return journeys;
}

export const planJourneyPrompt = definePrompt({
  name: 'plan_journey',
  title: 'Plan a journey',
  description: 'Breaks a goal down into steps and keeps them as a journey.',
  arguments: { goal: { description: 'What the journey should reach.', required: true } },
  run: ({ goal = '' }) =>
    `Plan a journey that reaches this goal: ${goal}\n\n` +
    'Break it down into 3 to 7 concrete steps, each small enough to tell when it is done. Show me the plan first. ' +
    'When I agree, keep it with journeys_tool: action "create", a short name, the goal as description, status "draft", ' +
    'fitting tags, and the steps in order.',
});
