/**
 * Tools as GraphQL, when that is switched on.
 *
 * M1. Off, it registers nothing and loads nothing but this file. On, it needs a package that is not installed with the
 *     gateway, and says which.
 */
import { ToolError } from '../../call/tool-error.ts';
import type { Transport, TransportContext } from '../transport.ts';
import type { GraphqlServer } from './graphql-server.ts';
import type { GraphqlOptions } from './options.ts';

const WANTED = 'GRAPHQL (--graphql) is on and needs the package "graphql", version 16.9 or a later 16';

export class GraphqlTransport implements Transport<TransportContext<GraphqlOptions>> {
  readonly name: string;
  #server: GraphqlServer | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** @throws {ToolError} failed_precondition where the package is not installed, or is another version. */
  async open(context: TransportContext<GraphqlOptions>): Promise<void> {
    if (!context.options.graphql) return;
    await requirePackage();
    const { GraphqlServer } = await import('./graphql-server.ts');
    this.#server = new GraphqlServer(this.name, context);
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}

async function requirePackage(): Promise<void> {
  let found: string;
  try {
    const { version, specifiedRules } = await import('graphql');
    // The rule against introspection that asks for itself came with 16.9.
    if (version.startsWith('16.') && specifiedRules.some(({ name }) => name === 'MaxIntrospectionDepthRule'))
      return;
    found = `${version} is installed`;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw thrown;
    found = 'it is not installed';
  }
  throw new ToolError('failed_precondition', `${WANTED}; ${found}. Run: npm install graphql@16`);
}
