/**
 * Two tools in the place of all, for clients whose model would drown in a long list: one finds tools, one calls them.
 *
 * T1. A tool that is called so is called as ever: the same limits, progress, cancel and log, under its own name.
 * T2. What is found has its schema with it, so that one search is enough to call it.
 */
import type { ToolDescriptor } from '../../call/catalog.ts';
import { INVALID_PARAMS, McpFault } from './fault.ts';
import { isObject, type Params } from './message.ts';

export const SEARCH_TOOLS = 'search_tools';
export const CALL_TOOL = 'call_tool';

const MOST = 50;
const USUAL = 10;

/** The entries of tools/list, as JSON text. */
export const SEARCH_ENTRIES: readonly string[] = [
  {
    name: CALL_TOOL,
    description: `Calls a tool that ${SEARCH_TOOLS} has found.`,
    inputSchema: {
      type: 'object',
      properties: {
        name: { type: 'string', description: 'The name of the tool.' },
        arguments: { type: 'object', description: 'Its arguments, by its inputSchema.' },
      },
      required: ['name'],
    },
  },
  {
    name: SEARCH_TOOLS,
    description:
      'Finds tools by words of their name and description, the best first, each with its inputSchema. ' +
      `Call one with ${CALL_TOOL}.`,
    inputSchema: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'What the tool should do; empty: any.' },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: MOST,
          description: `At most so many; ${USUAL} unless given.`,
        },
      },
    },
    annotations: { readOnlyHint: true, openWorldHint: false },
  },
].map((entry) => JSON.stringify(entry));

/** The params of the call that `call_tool` stands for. */
export function calledTool(params: Params): Params {
  const { arguments: given } = params;
  const { name, arguments: args } = isObject(given) ? given : {};
  if (typeof name !== 'string')
    throw new McpFault(INVALID_PARAMS, `${CALL_TOOL} needs "name", that of a tool; ${SEARCH_TOOLS} finds it`);
  return { ...params, name, arguments: args ?? {} };
}

/** The members of the result of a search. */
export function foundTools(tools: readonly ToolDescriptor[], params: Params): string {
  const { arguments: given } = params;
  const { query, limit } = isObject(given) ? given : {};
  const words = typeof query === 'string' ? (query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) : [];
  const most = typeof limit === 'number' && limit >= 1 ? Math.min(Math.floor(limit), MOST) : USUAL;
  const found = tools
    .map((tool) => ({ tool, score: scoreOf(tool, words) }))
    .filter(({ score }) => words.length === 0 || score > 0)
    .sort((one, other) => other.score - one.score)
    .slice(0, most)
    .map(({ tool: { name, title, description, inputSchema } }) => ({
      name,
      title,
      description,
      inputSchema,
    }));
  const structured = JSON.stringify({ tools: found, of: tools.length });
  return `"content":[{"type":"text","text":${JSON.stringify(structured)}}],"structuredContent":${structured}`;
}

function scoreOf({ name, title = '', description }: ToolDescriptor, words: readonly string[]): number {
  const [inName, inTitle, inText] = [name, title, description].map((text) => text.toLowerCase());
  let score = 0;
  for (const word of words) {
    if (inName?.includes(word)) score += 4;
    if (inTitle?.includes(word)) score += 2;
    if (inText?.includes(word)) score += 1;
  }
  return score;
}
