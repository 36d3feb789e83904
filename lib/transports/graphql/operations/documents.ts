/**
 * Documents of clients against the schema of a catalog: parsed, checked, and kept for who sends them again.
 *
 * D1. A schema and what was checked against it live as long as their catalog: a reload, or a key whose tools change, has
 *     another one.
 */
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationTypeNode,
  parse,
  validate,
} from 'graphql';
import type { Catalog } from '../../../call/catalog.ts';
import { ToolError } from '../../../call/tool-error.ts';
import type { TransportLog } from '../../rendering/transport-log.ts';
import { gatewaySchema } from '../schema/gateway-schema.ts';
import { graphqlError, Refusal, withCode } from './graphql-error.ts';
import { checkLimits } from './limits.ts';
import type { RequestParams } from './request-params.ts';

/** Arguments of any size are for variables. */
const MAX_TOKENS = 1000;
const MAX_KEPT = 100;
const MAX_KEPT_LENGTH = 4096;

export interface CheckedDocument {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly kind: OperationTypeNode;
}

interface CatalogSchema {
  readonly schema: GraphQLSchema;
  /** The latest last. */
  readonly documents: Map<string, CheckedDocument>;
}

export interface DocumentOptions {
  /** Calls that an operation may make. */
  readonly maxCalls: number;
  readonly log: TransportLog;
}

export class Documents {
  readonly #options: DocumentOptions;
  readonly #schemas = new WeakMap<Catalog, CatalogSchema>();

  constructor(options: DocumentOptions) {
    this.#options = options;
  }

  /** @throws {Refusal} where the document is wrong, names no operation or is too complex. */
  check(catalog: Catalog, { query, operationName }: RequestParams): CheckedDocument {
    const { schema, documents } = this.#schemaOf(catalog);
    const key = `${operationName ?? ''}\n${query}`;
    let checked = documents.get(key);
    if (checked) documents.delete(key);
    else checked = this.#check(schema, query, operationName);
    if (key.length <= MAX_KEPT_LENGTH) documents.set(key, checked);
    const [oldest = ''] = documents.keys();
    if (documents.size > MAX_KEPT) documents.delete(oldest);
    return checked;
  }

  #schemaOf(catalog: Catalog): CatalogSchema {
    let known = this.#schemas.get(catalog);
    if (!known) {
      known = { schema: gatewaySchema(catalog, this.#options.log), documents: new Map() };
      this.#schemas.set(catalog, known);
    }
    return known;
  }

  #check(schema: GraphQLSchema, query: string, operationName: string | undefined): CheckedDocument {
    const document = parseDocument(query);
    const flaws = validate(schema, document);
    if (flaws.length > 0) throw new Refusal(flaws.map((flaw) => withCode(flaw, 'invalid_request')));
    const operation = getOperationAST(document, operationName);
    if (!operation) {
      const message =
        operationName === undefined
          ? 'the document has several operations; name one in "operationName"'
          : 'the document has no operation of the name in "operationName"';
      throw new Refusal([graphqlError(new ToolError('invalid_request', message))]);
    }
    try {
      checkLimits(schema, document, operation, this.#options.maxCalls);
    } catch (thrown) {
      throw new Refusal([
        graphqlError(ToolError.from(thrown, 'internal', 'the document could not be checked')),
      ]);
    }
    return { schema, document, kind: operation.operation };
  }
}

function parseDocument(query: string): DocumentNode {
  try {
    return parse(query, { maxTokens: MAX_TOKENS });
  } catch (thrown) {
    if (!(thrown instanceof GraphQLError)) throw thrown;
    const isTooLong = /more tha[nt] \d+ tokens/.test(thrown.message);
    throw new Refusal([withCode(thrown, isTooLong ? 'too_complex' : 'parse_error')]);
  }
}
