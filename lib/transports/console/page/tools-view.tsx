/** The tools: a list to search, the form of the chosen one, and its runs beside it. */

import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Code, CopyButton } from './code-block.tsx';
import { useChanges } from './emitter.ts';
import { gateway, type Json, type Tool } from './gateway.ts';
import { JsonBox, leadsToFault } from './json-box.tsx';
import { linkTo } from './route.ts';
import { type Run, runs } from './run.ts';
import { RunPanel } from './run-panel.tsx';
import { duration, PHASE_NAMES } from './run-text.ts';
import { firstArguments } from './schema.ts';
import { SchemaForm } from './schema-form.tsx';
import { SNIPPET_KINDS, SNIPPET_PLACES, type SnippetKind, snippet } from './snippets.ts';

/** What was filled in and not run, by tool: going elsewhere and back loses nothing. */
const drafts = new Map<string, Json>();
/** More are found by searching. */
const HOME_TOOLS = 60;

export function ToolsView({
  tool: name,
  given,
}: {
  readonly tool: string;
  readonly given: Json | undefined;
}) {
  useChanges(runs);
  const tool = gateway.tools.find((one) => one.name === name);
  const shown = runs.all.filter((run) => run.order.tool.name === name || run.isActive);
  useEffect(() => {
    if (tool) document.title = `${tool.name} · console`;
  }, [tool]);
  return (
    <div class={`tools ${tool ? 'has-tool' : ''}`}>
      <Sidebar chosen={name} />
      {tool ? (
        <>
          <ToolCard key={tool.name} tool={tool} given={given} />
          <section class="runs" aria-label="Runs">
            {shown.length === 0 ? (
              <p class="empty">
                Nothing has run yet. Chunks, progress and the result appear here as they come.
              </p>
            ) : (
              shown.map((run) => <RunPanel key={run.id} run={run} />)
            )}
          </section>
        </>
      ) : (
        <Home missing={name} />
      )}
    </div>
  );
}

/** What there is, for whoever has chosen nothing yet. */
function Home({ missing }: { readonly missing: string }) {
  const { tools } = gateway;
  return (
    <section class="home" aria-labelledby="home">
      <h1 id="home">{tools.length === 0 ? 'No tools' : 'Choose a tool'}</h1>
      {missing ? (
        <p class="issue" role="alert">
          There is no tool “{missing}” for this key.
        </p>
      ) : null}
      {tools.length === 0 ? (
        <p class="muted">
          This gateway has no tools for this key. <code>--tools PATH</code> serves yours.
        </p>
      ) : (
        <p class="muted">
          Fill its form, run it, and watch what it sends as it comes. <kbd>/</kbd> searches.
        </p>
      )}
      <ul>
        {tools.slice(0, HOME_TOOLS).map((tool) => (
          <li key={tool.name}>
            <a class="card" href={linkTo(tool.name)}>
              <b class="mono">{tool.name}</b>
              <ToolNote tool={tool} />
              <span class="about">{tool.description}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A tool's title and what it may do, in a line. */
function ToolNote({ tool: { title, annotations } }: { readonly tool: Tool }) {
  const { destructiveHint, readOnlyHint } = annotations ?? {};
  if (!title && !destructiveHint && !readOnlyHint) return null;
  const hint = destructiveHint ? 'may destroy' : readOnlyHint ? 'only reads' : '';
  return (
    <small>
      {title}
      {title && hint ? ' · ' : ''}
      <span class={destructiveHint ? 'warn' : ''}>{hint}</span>
    </small>
  );
}

function Sidebar({ chosen }: { readonly chosen: string }) {
  const [query, setQuery] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const isTyping = (event.target as HTMLElement).matches('input, textarea, select');
      if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const words = query.toLowerCase().split(/\s+/);
  const found = gateway.tools.filter(({ name, title = '', description }) =>
    words.every((word) => `${name} ${title} ${description}`.toLowerCase().includes(word)),
  );
  return (
    <aside class="side">
      <search>
        <input
          ref={input}
          type="search"
          placeholder="Search tools ( / )"
          aria-label="Search tools"
          value={query}
          onInput={({ currentTarget }) => setQuery(currentTarget.value)}
        />
      </search>
      <nav aria-label="Tools">
        <ul>
          {found.map((tool) => (
            <li key={tool.name}>
              <a href={linkTo(tool.name)} aria-current={chosen === tool.name ? 'true' : undefined}>
                <span class="mono">{tool.name}</span>
                <ToolNote tool={tool} />
              </a>
            </li>
          ))}
        </ul>
        {found.length === 0 ? <p class="muted">No tool has these words.</p> : null}
      </nav>
      <History />
    </aside>
  );
}

function History() {
  useChanges(runs);
  if (runs.all.length === 0) return null;
  return (
    <section class="history" aria-label="History of this session">
      <h2>History</h2>
      <ul>
        {runs.all.slice(0, 50).map((run) => (
          <HistoryLine key={run.id} run={run} />
        ))}
      </ul>
    </section>
  );
}

function HistoryLine({ run }: { readonly run: Run }) {
  useChanges(run);
  return (
    <li>
      <a href={linkTo(run.order.tool.name, run.order.arguments)}>
        <span class={`dot ${run.phase}`} aria-hidden="true" />
        <span class="mono">{run.order.tool.name}</span>
        <small>
          {PHASE_NAMES[run.phase]}, {duration(run.elapsedMs)}
        </small>
      </a>
    </li>
  );
}

/** Where the runs are out of sight, as on a phone, they come into it. */
function showNewestRun(): void {
  const run = document.querySelector('.run');
  const top = run?.getBoundingClientRect().top ?? 0;
  if (top < 0 || top > innerHeight - 160) run?.scrollIntoView({ block: 'start' });
}

const HINTS = [
  ['readOnlyHint', 'only reads', ''],
  ['destructiveHint', 'may destroy', 'warn'],
  ['idempotentHint', 'idempotent', ''],
  ['openWorldHint', 'reaches outside', ''],
] as const;

function ToolCard({ tool, given }: { readonly tool: Tool; readonly given: Json | undefined }) {
  const [args, setArgs] = useState<Json>(
    () => given ?? drafts.get(tool.name) ?? firstArguments(tool.inputSchema),
  );
  const [isJson, setJson] = useState(false);
  const [seconds, setSeconds] = useState('');
  const [carrier, setCarrier] = useState<'socket' | 'stream'>('socket');
  const [last, setLast] = useState<Run | null>(null);
  const change = (value: Json) => {
    drafts.set(tool.name, value);
    setArgs(value);
  };
  useEffect(() => {
    if (given !== undefined) change(given);
  }, [JSON.stringify(given)]);
  const timeoutMs = Number(seconds) > 0 ? Math.round(Number(seconds) * 1000) : undefined;
  const start = (form: HTMLFormElement) => {
    if (leadsToFault(form)) return;
    setLast(runs.start({ tool, arguments: args, timeoutMs, carrier }));
    setTimeout(showNewestRun, 50); // once it is drawn
  };
  return (
    <section class="card tool" aria-labelledby="tool-name">
      <h1 id="tool-name">
        {tool.title ?? tool.name} {tool.title ? <code>{tool.name}</code> : null}
      </h1>
      <p class="badges">
        {HINTS.filter(([hint]) => tool.annotations?.[hint]).map(([hint, text, kind]) => (
          <span key={hint} class={`badge ${kind}`}>
            {text}
          </span>
        ))}
        {tool.chunkSchema ? <span class="badge">streams</span> : null}
      </p>
      <p class="about">{tool.description}</p>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          start(event.currentTarget);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            start(event.currentTarget);
          }
          if (event.key === 'Escape') last?.cancel();
        }}
      >
        <div class="row">
          <h2>Arguments</h2>
          <span class="segments">
            <button type="button" aria-pressed={!isJson} onClick={() => setJson(false)}>
              Form
            </button>
            <button type="button" aria-pressed={isJson} onClick={() => setJson(true)}>
              JSON
            </button>
          </span>
        </div>
        <Arguments {...{ tool, args, isJson, change, last }} />
        <div class="run-line">
          <button type="submit" class="primary">
            Run
          </button>
          <kbd>Ctrl ⏎</kbd>
          <label>
            Timeout (s){' '}
            <input
              class="short"
              inputMode="decimal"
              placeholder="its own"
              value={seconds}
              onInput={({ currentTarget }) => setSeconds(currentTarget.value)}
            />
          </label>
          <label>
            Over{' '}
            <select
              value={carrier}
              onChange={({ currentTarget }) => setCarrier(currentTarget.value as typeof carrier)}
            >
              <option value="socket">WebSocket</option>
              <option value="stream">HTTP stream</option>
            </select>
          </label>
        </div>
      </form>
      <CopyAs tool={tool.name} args={args} />
      <Schemas tool={tool} />
    </section>
  );
}

function Arguments(props: {
  readonly tool: Tool;
  readonly args: Json;
  readonly isJson: boolean;
  readonly change: (value: Json) => void;
  readonly last: Run | null;
}) {
  const { tool, args, isJson, change, last } = props;
  useChanges(...(last ? [last] : []));
  const { code, details } = last?.failure ?? {};
  const issues = code === 'invalid_arguments' ? (details?.issues ?? []) : [];
  if (isJson)
    return (
      <JsonBox label="Arguments as JSON" value={args} rows={12} onChange={(value) => change(value ?? {})} />
    );
  return <SchemaForm schema={tool.inputSchema} value={args} onChange={change} issues={issues} />;
}

function CopyAs({ tool, args }: { readonly tool: string; readonly args: Json }) {
  const [kind, setKind] = useState<SnippetKind>('curl');
  const text = snippet(kind, tool, args);
  return (
    <details>
      <summary>Use it elsewhere</summary>
      <div class="segments wrap">
        {Object.entries(SNIPPET_KINDS).map(([name, title]) => (
          <button
            key={name}
            type="button"
            aria-pressed={kind === name}
            onClick={() => setKind(name as SnippetKind)}
          >
            {title}
          </button>
        ))}
      </div>
      {SNIPPET_PLACES[kind] ? <p class="muted">Goes into {SNIPPET_PLACES[kind]}.</p> : null}
      <Code label="The snippet" text={text} />
      <CopyButton text={text} />{' '}
      <CopyButton
        text={`${location.href.replace(/#.*$/, '')}${linkTo(tool, args)}`}
        label="Copy a link to this form"
      />
    </details>
  );
}

function Schemas({ tool }: { readonly tool: Tool }) {
  const { inputSchema, outputSchema, chunkSchema } = tool;
  const all = [
    ['Input', inputSchema],
    ['Chunks', chunkSchema],
    ['Output', outputSchema],
  ] as const;
  const texts = useMemo(
    () =>
      all
        .filter(([, schema]) => schema)
        .map(([name, schema]) => [name, JSON.stringify(schema, null, 2)] as const),
    [tool],
  );
  return (
    <details>
      <summary>Schemas</summary>
      {texts.map(([name, text]) => (
        <div key={name}>
          <h3>{name}</h3>
          <Code label={`${name} schema`} text={text} />
        </div>
      ))}
    </details>
  );
}
