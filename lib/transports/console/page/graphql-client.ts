/** One operation of GraphQL at a time, and its results as they come: over HTTP, subscriptions as graphql-sse has them. */
import { Emitter } from './emitter.ts';
import { failureOf, gateway, type Json, linesOf } from './gateway.ts';

const MOST_RESULTS = 200;

export interface Result {
  /** Counts from the first of the operation. */
  readonly number: number;
  readonly text: string;
  readonly isError: boolean;
}

/** A field of the schema as one reads it: `primesTool(to: SafeInt!): JSON`. */
export interface SchemaField {
  readonly signature: string;
  readonly description: string;
}

interface Described {
  readonly name: string;
  readonly description: string | null;
}
interface TypeRef {
  readonly name: string | null;
  readonly kind: string;
  readonly ofType?: TypeRef;
}
type Typed = Described & { readonly type: TypeRef };

const FIELDS = `{ __type(name: "ToolCalls") { fields { name description
  args { name description type { ...T ofType { ...T ofType { ...T ofType { ...T } } } } }
  type { ...T ofType { ...T } } } } } fragment T on __Type { name kind }`;

export class GraphqlClient extends Emitter {
  results: readonly Result[] = [];
  total = 0;
  /** Why the operation was not run, or broke off. */
  reason = '';
  #running: AbortController | undefined;

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  async run(query: string, variables: Json | undefined): Promise<void> {
    this.stop();
    const running = new AbortController();
    this.#running = running;
    this.results = [];
    this.total = 0;
    this.reason = '';
    this.changed();
    try {
      const response = await gateway.request('graphql', {
        method: 'POST',
        headers: { Accept: 'application/json, text/event-stream' },
        body: JSON.stringify({ query, ...(variables !== undefined && { variables }) }),
        signal: running.signal,
      });
      if (response.headers.get('Content-Type')?.startsWith('application/json')) {
        this.#note(await response.text());
      } else if (response.body) {
        // A result's line is never that of `complete`, whose data is empty.
        for await (const line of linesOf(response.body))
          if (line.startsWith('data: {')) this.#note(line.slice('data: '.length));
      }
    } catch (thrown) {
      if (!running.signal.aborted) this.reason = failureOf(thrown).message;
    }
    if (this.#running === running) this.#running = undefined;
    this.changed();
  }

  /** Ends the operation, and its calls with it. */
  stop(): void {
    this.#running?.abort();
    this.#running = undefined;
    this.changed();
  }

  /** The typed fields, one for each tool that has one. */
  async fields(): Promise<readonly SchemaField[]> {
    const body = JSON.stringify({ query: FIELDS });
    const { data } = await gateway.json<{
      data?: { __type: { fields: readonly (Typed & { readonly args: readonly Typed[] })[] } | null };
    }>('graphql', { method: 'POST', body });
    return (data?.__type?.fields ?? []).map(({ name, description, args, type }) => {
      const listed = args.map((one) => `${one.name}: ${typeText(one.type)}`).join(', ');
      const told = args.flatMap((one) => (one.description ? [`${one.name}: ${one.description}`] : []));
      return {
        signature: `${name}${listed && `(${listed})`}: ${typeText(type)}`,
        description: [description ?? '', ...told].join('\n'),
      };
    });
  }

  #note(text: string): void {
    const isError = text.includes('"errors":');
    const result = { number: ++this.total, text, isError };
    this.results = [...this.results.slice(1 - MOST_RESULTS), result];
    this.changed();
  }
}

function typeText({ kind, name, ofType }: TypeRef): string {
  if (!ofType) return name ?? '';
  return kind === 'LIST' ? `[${typeText(ofType)}]` : `${typeText(ofType)}!`;
}

export const graphql = new GraphqlClient();
addEventListener('pagehide', () => graphql.stop());
