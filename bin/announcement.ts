/** What `serve` says when it listens: where, what can be asked, which tools there are, and a first call to paste. */
import { type Config, PUBLISHED_API_KEY } from '../lib/config/options.ts';
import type { Listening, ToolDescriptor } from '../lib/index.ts';
import { exampleArguments } from './example-arguments.ts';

/** So many tools are named. */
const NAMES_SHOWN = 20;

export function announcement(
  config: Config,
  { url, endpoints }: Listening,
  tools: readonly ToolDescriptor[],
): string {
  const isPublishedKey = config.auth && config.apiKeys.includes(PUBLISHED_API_KEY);
  const key = isPublishedKey ? PUBLISHED_API_KEY : '$API_KEY';
  const width = Math.max(...endpoints.map(({ path }) => path.length));
  return [
    `mcp-streaming-gateway listens on ${url}`,
    '',
    ...endpoints.map(
      ({ method, path, description }) => `  ${method.padEnd(6)} ${path.padEnd(width)}  ${description}`,
    ),
    '',
    toolsLine(config, tools),
    '',
    ...consoleLine(url, endpoints),
    ...(isPublishedKey
      ? [`The key is ${PUBLISHED_API_KEY}. Everybody knows it: set API_KEY to one of your own.`, '']
      : []),
    ...firstCall(url, config.auth ? ` -H "X-API-Key: ${key}"` : '', tools),
    '',
    '',
  ].join('\n');
}

/** Where the console is. */
function consoleLine(url: string, endpoints: Listening['endpoints']): readonly string[] {
  const page = endpoints.find(({ path }) => path === '/console/');
  return page ? [`Open ${url}${page.path} in a browser to run them and watch.`, ''] : [];
}

function toolsLine(
  { builtIns, tools: given, mcpConfig, mcpCommand }: Config,
  tools: readonly ToolDescriptor[],
): string {
  const names = tools.slice(0, NAMES_SHOWN).map(({ name }) => name);
  const more = tools.length > names.length ? ` and ${tools.length - names.length} more (GET /tools)` : '';
  const mounts = mcpConfig !== null || mcpCommand.length > 0;
  const isDefault = builtIns === 'auto' && given.length === 0 && !mounts;
  const note = isDefault ? ' (built in; --tools PATH serves yours instead)' : '';
  const none = mounts ? 'none yet; the servers are asked for theirs (GET /tools)' : 'none';
  return `Tools: ${names.join(', ') || none}${more}${note}`;
}

/** A line of curl that can be pasted, for the tool that is the safest to try. */
function firstCall(url: string, keyFlag: string, tools: readonly ToolDescriptor[]): readonly string[] {
  const examples = tools
    .map((tool) => ({ tool, example: exampleArguments(tool.inputSchema) }))
    .filter(({ example }) => example !== undefined)
    .sort((one, other) => harm(one.tool) - harm(other.tool));
  const [first] = examples;
  if (!first) return ['See what the tools take:', '', `  curl ${url}/tools${keyFlag}`];
  const body = JSON.stringify({ arguments: first.example }).replaceAll("'", "'\\''");
  const path = `${url}/tools/${encodeURIComponent(first.tool.name)}/stream`;
  return [
    'Watch a tool at work:',
    '',
    `  curl -N ${path}${keyFlag} -H "Content-Type: application/json" -d '${body}'`,
  ];
}

/** The order in which tools are taken: those that only read, those with an example of their own, those that say nothing. */
function harm({ annotations, inputSchema }: ToolDescriptor): number {
  if (annotations?.readOnlyHint === true) return 'examples' in inputSchema ? 0 : 1;
  if (annotations?.destructiveHint === true) return 4;
  return 'examples' in inputSchema ? 2 : 3;
}
