/** The page's frame: the top bar, where one is (in the fragment), and the key. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useChanges } from './emitter.ts';
import { gateway } from './gateway.ts';
import { GraphqlView } from './graphql-view.tsx';
import { McpView } from './mcp-view.tsx';
import { live, PoolView } from './pool-view.tsx';
import { useRoute } from './route.ts';
import { runs } from './run.ts';
import { ToolsView } from './tools-view.tsx';

const VIEWS = [
  { name: 'tools', title: 'Tools' },
  { name: 'pool', title: 'Pool' },
  { name: 'mcp', title: 'MCP' },
];
/** Where the gateway serves it. */
const GRAPHQL = { name: 'graphql', title: 'GraphQL' };

export function App() {
  useChanges(gateway);
  const route = useRoute();
  const views = gateway.hasGraphql ? [...VIEWS, GRAPHQL] : VIEWS;
  useEffect(() => void gateway.connect(), []);
  useEffect(() => {
    if (gateway.connection === 'connected') live.start();
    else live.stop();
  }, [gateway.connection]);
  return (
    <>
      <header class="top">
        <a class="brand" href="#/tools">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <rect width="32" height="32" rx="8" />
            <path d="M7 11h11M7 16h18M7 21h8" />
          </svg>
          <span class="name">{gateway.name}</span>
          <span class="version">{gateway.version}</span>
        </a>
        <nav aria-label="Views">
          {views.map(({ name, title }) => (
            <a key={name} href={`#/${name}`} aria-current={route.view === name ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <LiveBadge />
        <SchemeButton />
        {gateway.connection === 'connected' && gateway.needsKey ? (
          <button type="button" class="small" onClick={() => gateway.forgetKey()}>
            Key
          </button>
        ) : null}
      </header>
      <main>
        {gateway.connection === 'connecting' ? <p class="centred muted">Connecting…</p> : null}
        {gateway.connection === 'asking' ? <KeyForm /> : null}
        {gateway.connection === 'lost' ? <Lost /> : null}
        {gateway.connection === 'connected' ? (
          route.view === 'pool' ? (
            <PoolView />
          ) : route.view === 'mcp' ? (
            <McpView />
          ) : route.view === 'graphql' && gateway.hasGraphql ? (
            <GraphqlView />
          ) : (
            <ToolsView tool={route.tool} given={route.args} />
          )
        ) : null}
      </main>
    </>
  );
}

function LiveBadge() {
  useChanges(live, runs);
  const active = runs.all.filter((run) => run.isActive).length;
  const { status } = live;
  return (
    <span class="live">
      {active > 0 ? <span class="badge">{active} running</span> : null}
      {status === '' ? null : (
        <a href="#/pool" class={`status ${status}`}>
          <span class="dot" aria-hidden="true" />
          {status}
        </a>
      )}
    </span>
  );
}

const SCHEMES = ['light dark', 'light', 'dark'] as const;
const SCHEME_NAMES = { 'light dark': 'Auto', light: 'Light', dark: 'Dark' } as const;

function SchemeButton() {
  const [scheme, setScheme] = useState<(typeof SCHEMES)[number]>('light dark');
  useEffect(() => {
    document.documentElement.style.colorScheme = scheme;
  }, [scheme]);
  const next = SCHEMES[(SCHEMES.indexOf(scheme) + 1) % SCHEMES.length] ?? 'light dark';
  return (
    <button
      type="button"
      class="small scheme"
      onClick={() => setScheme(next)}
      aria-label={`Colours: ${SCHEME_NAMES[scheme]}. Change to ${SCHEME_NAMES[next]}`}
    >
      {SCHEME_NAMES[scheme]}
    </button>
  );
}

function Card({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="card welcome">
      <h1>{title}</h1>
      {children}
    </section>
  );
}

function KeyForm() {
  const [key, setKey] = useState('');
  const [isKept, setKept] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  return (
    <Card title="Which key?">
      <p class="muted">
        This gateway asks for an API key. What <code>npm start</code> printed names it, unless it was set with
        API_KEY.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setBusy(true);
          gateway.useKey(key, isKept).finally(() => setBusy(false));
        }}
      >
        <label for="key">API key</label>
        <input
          id="key"
          ref={input}
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={key}
          onInput={({ currentTarget }) => setKey(currentTarget.value)}
          aria-invalid={gateway.reason !== '' || undefined}
          aria-describedby="key-note"
        />
        {gateway.reason === '' ? null : (
          <p class="issue" role="alert">
            {gateway.reason}
          </p>
        )}
        <label class="check">
          <input
            type="checkbox"
            checked={isKept}
            onChange={({ currentTarget }) => setKept(currentTarget.checked)}
          />
          Remember it in this tab until it is closed
        </label>
        <p class="muted" id="key-note">
          It stays in this page’s memory and goes to this gateway alone, in a header.
        </p>
        <button type="submit" class="primary" disabled={key.trim() === '' || isBusy}>
          {isBusy ? 'Connecting…' : 'Connect'}
        </button>
      </form>
    </Card>
  );
}

function Lost() {
  return (
    <Card title="The gateway does not answer">
      <p class="issue" role="alert">
        {gateway.reason}
      </p>
      <p class="muted">Check that it runs. The key is still here.</p>
      <button type="button" class="primary" onClick={() => void gateway.connect()}>
        Try again
      </button>
    </Card>
  );
}
