/**
 * A call as its user would write it elsewhere, and the gateway as an entry of MCP clients.
 *
 * N1. No key is ever in them: `$API_KEY` stands for it.
 */
import { BASE, gateway, type Json } from './gateway.ts';

export const SNIPPET_KINDS = {
  curl: 'curl',
  fetch: 'fetch',
  python: 'Python',
  websocket: 'WebSocket',
  claudeDesktop: 'Claude Desktop',
  claudeCode: 'Claude Code',
  vscode: 'VS Code',
  cursor: 'Cursor',
} as const;

export type SnippetKind = keyof typeof SNIPPET_KINDS;

const pretty = (value: unknown): string => JSON.stringify(value, null, 2);
const MCP = `${BASE}mcp`;
const NAME = 'gateway';

export function snippet(kind: SnippetKind, tool: string, args: Json): string {
  const body = JSON.stringify({ arguments: args });
  const address = `${BASE}tools/${encodeURIComponent(tool)}/stream`;
  const hasKey = gateway.needsKey;
  switch (kind) {
    case 'curl':
      return [
        `curl -N ${quoted(address)}`,
        ...(hasKey ? ['  -H "X-API-Key: $API_KEY"'] : []),
        '  -H "Content-Type: application/json"',
        `  -d ${quoted(body)}`,
      ].join(' \\\n');
    case 'fetch':
      return `// Node.js 20.19+, or a page of this gateway's own origin
const response = await fetch(${JSON.stringify(address)}, {
  method: 'POST',
  headers: {
    'Content-Type': 'application/json',
    Accept: 'application/x-ndjson',${hasKey ? "\n    'X-API-Key': process.env.API_KEY, // $API_KEY" : ''}
  },
  body: JSON.stringify(${indented(pretty({ arguments: args }), 2)}),
});
if (!response.ok) throw new Error(await response.text());
let rest = '';
for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split('\\n');
  rest = lines.pop();
  for (const line of lines) console.log(JSON.parse(line));
}`;
    case 'python':
      return `import json, os, sys, urllib.error, urllib.request

arguments = json.loads(${pythonText(JSON.stringify(args))})
request = urllib.request.Request(
    ${JSON.stringify(address)},
    data=json.dumps({"arguments": arguments}).encode(),
    headers={
        "Content-Type": "application/json",
        "Accept": "application/x-ndjson",${hasKey ? '\n        "X-API-Key": os.environ["API_KEY"],  # $API_KEY' : ''}
    },
)
try:
    with urllib.request.urlopen(request) as response:
        for line in response:
            print(json.loads(line))
except urllib.error.HTTPError as error:
    sys.exit(error.read().decode())`;
    case 'websocket': {
      const socket = `${BASE.replace(/^http/, 'ws')}ws/tools/${encodeURIComponent(tool)}`;
      const key = "'apikey.' + Buffer.from(process.env.API_KEY).toString('base64url')";
      return `// npm install ws
const { WebSocket } = await import('ws');
const socket = new WebSocket(${JSON.stringify(socket)}, ['mcp-gateway.v1'${hasKey ? `, ${key}` : ''}]);${hasKey ? ' // $API_KEY' : ''}
socket.on('open', () => socket.send(JSON.stringify(${indented(pretty({ id: 1, arguments: args }), 2)})));
socket.on('message', (text) => {
  const message = JSON.parse(text);
  console.log(message);
  if (message.event === 'complete') socket.close();
});`;
    }
    case 'claudeDesktop': {
      // It starts programs alone: this one carries its messages to the address.
      const header = hasKey ? ['--header', 'X-API-Key:$' + '{API_KEY}'] : [];
      const entry = { command: 'npx', args: ['-y', 'mcp-remote', MCP, ...header] };
      return pretty({ mcpServers: { [NAME]: hasKey ? { ...entry, env: { API_KEY: '$API_KEY' } } : entry } });
    }
    case 'claudeCode':
      return `claude mcp add --transport http ${NAME} ${MCP}${hasKey ? ' --header "X-API-Key: $API_KEY"' : ''}`;
    case 'vscode':
      return pretty({ servers: { [NAME]: { type: 'http', url: MCP, ...headers(hasKey) } } });
    case 'cursor':
      return pretty({ mcpServers: { [NAME]: { url: MCP, ...headers(hasKey) } } });
  }
}

/** Where such an entry goes. */
export const SNIPPET_PLACES: Readonly<Partial<Record<SnippetKind, string>>> = {
  claudeDesktop: 'claude_desktop_config.json; put your key in the place of $API_KEY',
  claudeCode: 'a terminal where API_KEY is set',
  vscode: '.vscode/mcp.json; put your key in the place of $API_KEY',
  cursor: '.cursor/mcp.json; put your key in the place of $API_KEY',
};

const headers = (hasKey: boolean) => (hasKey ? { headers: { 'X-API-Key': '$API_KEY' } } : {});
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const indented = (text: string, spaces: number): string => text.replaceAll('\n', `\n${' '.repeat(spaces)}`);
/** A JSON string's escapes are Python's too, but those of surrogate pairs, which JSON.stringify leaves as they are. */
const pythonText = (text: string): string => JSON.stringify(text);
