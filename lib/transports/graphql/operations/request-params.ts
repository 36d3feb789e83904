/** What a client asks for, whichever way it asks: checked, before anything acts on it. */
import { ToolError } from '../../../call/tool-error.ts';
import { parseJsonText } from '../../rendering/bounded-json.ts';
import { isJsonObject, type JsonObject, quote } from '../../rendering/call-input.ts';

export interface RequestParams {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: JsonObject | undefined;
  readonly extensions: JsonObject | undefined;
}

/** @throws {ToolError} invalid_request, naming what is wrong. */
export function readParams(body: unknown): RequestParams {
  if (Array.isArray(body))
    throw new ToolError('invalid_request', 'batches are not accepted; send one operation');
  if (!isJsonObject(body)) {
    throw new ToolError(
      'invalid_request',
      'the request is no JSON object; send one like {"query": "{ tools { name } }"}',
    );
  }
  const { query, operationName, variables, extensions } = body;
  if (typeof query !== 'string' || query === '') {
    throw new ToolError('invalid_request', `"query" is ${quote(query)}; it must be a document of GraphQL`);
  }
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') {
    throw new ToolError('invalid_request', `"operationName" is ${quote(operationName)}; it must be a string`);
  }
  return {
    query,
    operationName: operationName ?? undefined,
    variables: readObject(variables, 'variables'),
    extensions: readObject(extensions, 'extensions'),
  };
}

/** The same from the query of a URL. @throws {ToolError} also what parsing JSON throws. */
export function readQueryString(search: URLSearchParams): RequestParams {
  const json = (name: string): unknown => {
    const text = search.get(name);
    return text === null || text === '' ? undefined : parseJsonText(text);
  };
  return readParams({
    query: search.get('query') ?? undefined,
    operationName: search.get('operationName') || undefined,
    variables: json('variables'),
    extensions: json('extensions'),
  });
}

function readObject(value: unknown, name: string): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  if (isJsonObject(value)) return value;
  throw new ToolError('invalid_request', `"${name}" is ${quote(value)}; it must be an object`);
}
