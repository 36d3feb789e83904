// An MCP server on stdio without any library: each of its tools behaves, or misbehaves, in one way.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const env = process.env;
const CHUNK = 'io.github.mcp-streaming-gateway/chunk';
const write = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const progress = (token, n, more = {}) =>
  write({ method: 'notifications/progress', params: { progressToken: token, progress: n, ...more } });
const say = (text) => ({ content: [{ type: 'text', text }] });
const cancelled = new Set();
const asked = new Map();
let lastAsked = 0;
let version = 1;

if (env.GRANDCHILD) spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
if (env.STUBBORN) {
  process.on('SIGTERM', () => {});
  setInterval(() => {}, 1000);
}
if (env.PID_FILE) writeFileSync(env.PID_FILE, String(process.pid));

const ask = (method, params) =>
  new Promise((resolve) => {
    const id = `ask-${++lastAsked}`;
    asked.set(id, resolve);
    write({ id, method, params });
  });

const drained = () =>
  process.stdout.writableNeedDrain
    ? new Promise((resolve) => process.stdout.once('drain', resolve))
    : undefined;

const TOOLS = {
  echo: (args) => say(JSON.stringify(args)),
  env: () => say(JSON.stringify(env)),
  meta: (_args, _id, meta) => say(JSON.stringify(meta)),
  fails: () => ({ content: [{ type: 'text', text: 'no such city' }], isError: true }),
  structured: () => ({ content: [{ type: 'text', text: 'x' }], structuredContent: { n: 1 } }),
  // As text, since no value of this language is written so.
  exact: (_args, id) =>
    void process.stdout.write(
      `{"result":{"content":[{"type":"text","text":"\\u00e9"}],"structuredContent":{"b":1.0,"a":12345678901234567890,"2":0}},"jsonrpc":"2.0","id":${id}}\n`,
    ),
  link: () => ({
    content: [
      { type: 'resource_link', uri: 'test://one', name: 'one' },
      { type: 'image', data: 'aGk=', mimeType: 'image/png' },
    ],
  }),
  async count({ n }, id, { progressToken }) {
    const items = Array.from({ length: n }, (_, i) => ({ i }));
    for (const [index, item] of items.entries()) {
      if (cancelled.has(id)) return;
      if (progressToken !== undefined)
        progress(progressToken, index, { _meta: { [CHUNK]: { index, items: [item] } } });
      await drained();
      if (n > 1000) await new Promise(setImmediate);
    }
    return {
      content: [{ type: 'text', text: JSON.stringify(items) }],
      structuredContent: { data: items },
      _meta: { 'io.github.mcp-streaming-gateway/chunks': n },
    };
  },
  wait: () => new Promise(() => {}),
  async flood(_args, id, { progressToken }) {
    for (let i = 0; !cancelled.has(id); i++) {
      progress(progressToken, i, {
        _meta: { [CHUNK]: { index: i, items: [{ i, pad: 'x'.repeat(20_000) }] } },
      });
      await drained();
      writeFileSync(env.COUNT_FILE, String(i + 1));
      await new Promise(setImmediate);
    }
    writeFileSync(env.COUNT_FILE, '-1');
  },
  progress({ n }, _id, { progressToken }) {
    let text = '';
    for (let i = 1; i <= n; i++)
      text += `${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken, progress: i, total: n } })}\n`;
    process.stdout.write(text);
    return say('done');
  },
  logs() {
    write({ method: 'notifications/message', params: { level: 'info', logger: 'me', data: { deep: [1] } } });
    return say('logged');
  },
  dies: () => process.exit(3),
  junk() {
    process.stdout.write('this is no message\n{"half":\n\n[1]\n"text"\n');
    return say('after junk');
  },
  twice(_args, id) {
    write({ id, result: say('first') });
    write({ id, result: say('second') });
  },
  wrong_id(_args, id) {
    write({ id: id + 1000, result: say('not yours') });
    write({ id: String(id), result: say('nor this') });
    write({ id, result: say('yours') });
  },
  huge: ({ bytes }) => say('x'.repeat(bytes)),
  no_result: () => ({ content: 'nothing' }),
  refused: (_args, id) => write({ id, error: { code: -32602, message: 'MCP error -32602: no such month' } }),
  async asks() {
    return say(
      JSON.stringify(
        await ask('elicitation/create', {
          message: 'name?',
          requestedSchema: { type: 'object', properties: {} },
        }),
      ),
    );
  },
  changes() {
    version++;
    write({ method: 'notifications/tools/list_changed' });
    return say(String(version));
  },
  touches() {
    write({ method: 'notifications/resources/updated', params: { uri: 'test://one' } });
    return say('touched');
  },
  floods_junk() {
    setInterval(() => process.stdout.write('junk\n'.repeat(5000)), 1);
  },
};

const result = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: {
      tools: { listChanged: true },
      resources: { subscribe: true },
      prompts: {},
      completions: {},
      logging: {},
    },
    serverInfo: { name: env.SERVER_NAME ?? 'scripted', version: '1' },
  }),
  ping: () => ({}),
  'tools/list': () => ({
    tools: Object.keys(TOOLS).map((name) => ({
      name,
      description:
        name === 'changes'
          ? `version ${env.DESCRIBED ? readFileSync(env.DESCRIBED, 'utf8') : version}`
          : `does ${name}`,
      inputSchema: { type: 'object' },
      ...(name === 'count' || name === 'echo' ? { annotations: { readOnlyHint: true } } : {}),
    })),
  }),
  'resources/list': () => ({
    resources: [
      { uri: 'test://one', name: 'one' },
      { uri: 'test://two', name: 'one' },
    ],
  }),
  'resources/templates/list': () => ({ resourceTemplates: [{ uriTemplate: 'test://of/{id}', name: 'of' }] }),
  'resources/read': ({ uri }) => ({ contents: [{ uri, text: `text of ${uri}` }] }),
  'resources/subscribe': () => ({}),
  'resources/unsubscribe': () => ({}),
  'prompts/list': () => ({ prompts: [{ name: 'greet', arguments: [{ name: 'who', required: true }] }] }),
  'prompts/get': ({ arguments: { who } }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `hello ${who}` } }],
  }),
  'completion/complete': ({ argument }) => ({ completion: { values: [`${argument.value}!`] } }),
  'logging/setLevel': () => ({}),
};

if (env.HANGS) setInterval(() => {}, 1000);
else
  createInterface({ input: process.stdin }).on('line', async (line) => {
    const { id, method, params = {}, result: answer, error } = JSON.parse(line);
    if (method === undefined) return asked.get(id)?.(answer ?? { refused: error });
    if (method === 'notifications/cancelled') return void cancelled.add(params.requestId);
    if (id === undefined) return;
    const known = method === 'tools/call' ? TOOLS[params.name] : result[method];
    if (!known) return write({ id, error: { code: -32601, message: `no ${method}` } });
    const made = await (method === 'tools/call'
      ? known(params.arguments, id, params._meta ?? {})
      : known(params));
    if (made) write({ id, result: made });
  });
