/** Operations of GraphQL by hand: a document, its variables, what comes of it, and the fields that there are. */
import { useEffect, useState } from 'preact/hooks';
import { Code } from './code-block.tsx';
import { useChanges } from './emitter.ts';
import { failureOf, gateway, type Json } from './gateway.ts';
import { graphql, type Result, type SchemaField } from './graphql-client.ts';
import { JsonBox } from './json-box.tsx';
import { count, pretty } from './run-text.ts';
import { firstArguments } from './schema.ts';

const QUERY = '{\n  tools { name field untypedReason }\n}';
const CALL = `mutation ($tool: String!, $arguments: JSON) {
  call(tool: $tool, arguments: $arguments) { callId data chunks durationMs }
}`;
const STREAM = `subscription ($tool: String!, $arguments: JSON) {
  call(tool: $tool, arguments: $arguments) {
    __typename
    ... on CallProgress { progress total message }
    ... on CallChunks { index items }
    ... on CallSucceeded { data omitted chunks durationMs }
  }
}`;
const EXAMPLES = [
  { title: 'List', query: QUERY },
  { title: 'Call', query: CALL },
  { title: 'Stream', query: STREAM },
];

/** What was typed, so that another view and back loses nothing. */
const typed = { query: QUERY, variables: undefined as Json | undefined };

export function GraphqlView() {
  useChanges(graphql);
  const [query, setQuery] = useState(typed.query);
  const [variables, setVariables] = useState(typed.variables);
  useEffect(() => {
    Object.assign(typed, { query, variables });
  }, [query, variables]);
  const run = () => void graphql.run(query, variables);
  const show = (example: string) => {
    setQuery(example);
    const [tool] = gateway.tools;
    setVariables(
      example === QUERY || !tool
        ? undefined
        : { tool: tool.name, arguments: firstArguments(tool.inputSchema) },
    );
  };
  return (
    <div class="mcp">
      <div>
        <h1>GraphQL</h1>
        <form
          class="card"
          aria-label="Run an operation"
          onSubmit={(event) => {
            event.preventDefault();
            run();
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              run();
            } else if (event.key === 'Escape') graphql.stop();
          }}
        >
          <div class="row">
            <label for="graphql-query">Operation</label>
            <span class="row">
              {EXAMPLES.map((example) => (
                <button key={example.title} type="button" class="small" onClick={() => show(example.query)}>
                  {example.title}
                </button>
              ))}
            </span>
          </div>
          <textarea
            id="graphql-query"
            class="code"
            rows={10}
            spellcheck={false}
            value={query}
            onInput={({ currentTarget }) => setQuery(currentTarget.value)}
          />
          <label for="graphql-variables">Variables</label>
          <JsonBox id="graphql-variables" value={variables} rows={5} mayBeEmpty onChange={setVariables} />
          <div class="run-line">
            <button type="submit" class="primary" disabled={query.trim() === ''}>
              Run
            </button>
            {graphql.isRunning ? (
              <button type="button" onClick={() => graphql.stop()}>
                Stop
              </button>
            ) : null}
            <span role="status">{graphql.isRunning ? 'Running…' : ''}</span>
          </div>
          {graphql.reason ? (
            <p class="issue" role="alert">
              {graphql.reason}
            </p>
          ) : null}
        </form>
        <Fields />
      </div>
      <Results />
    </div>
  );
}

function Fields() {
  const [fields, setFields] = useState<readonly SchemaField[]>([]);
  const [reason, setReason] = useState('');
  useEffect(() => {
    graphql.fields().then(setFields, (thrown) => setReason(failureOf(thrown).message));
  }, []);
  return (
    <section class="card">
      <h2>
        mutation {'{ tools { … } }'} <small>{count(fields.length)}</small>
      </h2>
      {reason ? <p class="issue">{reason}</p> : null}
      <ul class="listed">
        {fields.map(({ signature, description }) => (
          <li key={signature}>
            <details>
              <summary class="mono">{signature}</summary>
              <Code label={signature} text={description} />
            </details>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Results() {
  const { results, total } = graphql;
  const dropped = total - results.length;
  return (
    <section class="card messages" aria-label="Results">
      <h2>
        Results{' '}
        <small>
          {count(total)}
          {dropped > 0 ? `, ${count(dropped)} oldest dropped` : ''}
        </small>
      </h2>
      <ol class="scroll" tabIndex={0} aria-label="Results, newest first">
        {[...results].reverse().map((result) => (
          <ResultLine key={result.number} result={result} isNewest={result.number === total} />
        ))}
      </ol>
    </section>
  );
}

function ResultLine(props: { readonly result: Result; readonly isNewest: boolean }) {
  const { number, text, isError } = props.result;
  const [isOpen, setOpen] = useState<boolean>();
  const isShown = isOpen ?? props.isNewest;
  return (
    <li>
      <details open={isShown}>
        <summary
          class="mono"
          onClick={(event) => {
            event.preventDefault();
            setOpen(!isShown);
          }}
        >
          #{count(number)} {isError ? 'errors' : text.slice(0, 80)}
        </summary>
        {isShown ? <Code label={`Result ${number}`} text={pretty(text)} /> : null}
      </details>
    </li>
  );
}
