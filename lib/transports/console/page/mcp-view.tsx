/** What an MCP client sees of this gateway, and the messages of a call made as one. */

import { useEffect, useState } from 'preact/hooks';
import { Code } from './code-block.tsx';
import { useChanges } from './emitter.ts';
import type { Json, Schema } from './gateway.ts';
import { JsonBox, leadsToFault } from './json-box.tsx';
import { type Message, mcp, reasonOf } from './mcp-client.ts';
import { count, pretty } from './run-text.ts';
import { firstArguments } from './schema.ts';

const LISTS = [
  { method: 'tools/list', key: 'tools', title: 'Tools' },
  { method: 'resources/list', key: 'resources', title: 'Resources' },
  { method: 'resources/templates/list', key: 'resourceTemplates', title: 'Resource templates' },
  { method: 'prompts/list', key: 'prompts', title: 'Prompts' },
] as const;

interface Listed {
  readonly name: string;
  readonly description?: string;
  readonly uri?: string;
  readonly uriTemplate?: string;
  readonly inputSchema?: Schema;
}

type Lists = Readonly<Record<string, readonly Listed[]>>;

async function listAll(): Promise<Lists> {
  if (!mcp.isOpen) await mcp.open();
  const lists: Record<string, readonly Listed[]> = {};
  for (const { method, key } of LISTS) {
    const all: Listed[] = [];
    let cursor: Json | undefined;
    do {
      const page = await mcp
        .ask(method, cursor === undefined ? {} : { cursor })
        .catch(() => ({}) as Record<string, Json>);
      all.push(...((page[key] ?? []) as unknown as Listed[]));
      cursor = page['nextCursor'];
    } while (cursor !== undefined);
    lists[key] = all;
  }
  return lists;
}

export function McpView() {
  useChanges(mcp);
  const [lists, setLists] = useState<Lists>({});
  const [reason, setReason] = useState('');
  useEffect(() => {
    listAll().then(setLists, (thrown) => setReason(reasonOf(thrown)));
  }, []);
  return (
    <div class="mcp">
      <div>
        <h1>As an MCP client sees it</h1>
        {reason ? (
          <p class="issue" role="alert">
            {reason}
          </p>
        ) : null}
        <Caller tools={lists['tools'] ?? []} />
        {LISTS.map(({ key, title }) => (
          <section key={key} class="card">
            <h2>
              {title} <small>{count(lists[key]?.length ?? 0)}</small>
            </h2>
            <ul class="listed">
              {(lists[key] ?? []).map((one) => (
                <li key={one.uri ?? one.uriTemplate ?? one.name}>
                  <details>
                    <summary class="mono">{one.uri ?? one.uriTemplate ?? one.name}</summary>
                    <Code label={one.name} text={JSON.stringify(one, null, 2)} />
                  </details>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
      <Messages />
    </div>
  );
}

function Caller({ tools }: { readonly tools: readonly Listed[] }) {
  const [name, setName] = useState('');
  const [args, setArgs] = useState<Json>({});
  const [told, setTold] = useState('');
  const [answer, setAnswer] = useState<Json>(null);
  const [isBusy, setBusy] = useState(false);
  const choose = (next: string) => {
    setName(next);
    setArgs(firstArguments(tools.find((tool) => tool.name === next)?.inputSchema ?? {}));
  };
  useEffect(() => {
    if (name === '' && tools[0]) choose(tools[0].name);
  }, [tools]);
  const call = async () => {
    setBusy(true);
    setTold('');
    setAnswer(null);
    try {
      const params = { name, arguments: args, _meta: { progressToken: `console-${Date.now()}` } };
      const given = await mcp.ask('tools/call', params);
      setAnswer(given);
      setTold(given['isError'] === true ? 'The tool answered with an error.' : 'The tool has answered.');
    } catch (thrown) {
      setTold(reasonOf(thrown));
    }
    setBusy(false);
  };
  return (
    <form
      class="card"
      aria-label="Call a tool over MCP"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!leadsToFault(event.currentTarget)) void call();
      }}
    >
      <h2>tools/call</h2>
      <div class="field">
        <label for="mcp-tool">Tool</label>
        <select id="mcp-tool" value={name} onChange={({ currentTarget }) => choose(currentTarget.value)}>
          {tools.map((tool) => (
            <option key={tool.name} value={tool.name}>
              {tool.name}
            </option>
          ))}
        </select>
      </div>
      <div class="field">
        <label for="mcp-arguments">Arguments</label>
        <JsonBox id="mcp-arguments" value={args} rows={5} onChange={(value) => setArgs(value ?? {})} />
      </div>
      <div class="run-line">
        <button type="submit" class="primary" disabled={isBusy || name === ''}>
          {isBusy ? 'Calling…' : 'Call'}
        </button>
        <span role="status">{told}</span>
      </div>
      {answer === null ? null : <Code label="The answer" text={pretty(JSON.stringify(answer))} />}
    </form>
  );
}

function Messages() {
  return (
    <section class="card messages" aria-label="Messages">
      <div class="row">
        <h2>
          JSON-RPC{' '}
          <small>
            {count(mcp.messages.length + mcp.dropped)} messages
            {mcp.dropped > 0 ? `, ${count(mcp.dropped)} oldest dropped` : ''}
          </small>
        </h2>
        <button type="button" class="small" onClick={() => mcp.clear()}>
          Clear
        </button>
      </div>
      <ol class="scroll" tabIndex={0} aria-label="Messages, newest first">
        {[...mcp.messages].reverse().map((message, at) => (
          <MessageLine key={mcp.messages.length + mcp.dropped - at} message={message} />
        ))}
      </ol>
    </section>
  );
}

function MessageLine({ message: { at, way, body } }: { readonly message: Message }) {
  const [isOpen, setOpen] = useState(false);
  const isError = body['error'] !== undefined;
  const what = body['method'] ?? (isError ? 'error' : 'result');
  return (
    <li>
      <details open={isOpen} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          <span class={`way ${way}`}>{way === 'out' ? '→ sent' : '← came'}</span>{' '}
          <span class="mono">
            {String(what)} {body['id'] === undefined ? '' : `#${body['id']}`}
          </span>{' '}
          <small>{new Date(at).toLocaleTimeString()}</small>
        </summary>
        {isOpen ? <Code label="The message" text={pretty(JSON.stringify(body))} /> : null}
      </details>
    </li>
  );
}
