/**
 * The headers that repeat the envelope of a request of 2026-07-28.
 *
 * E1. Headers and body must agree, since whatever stands between client and server routes by the headers alone.
 * E2. A header value may be written as `=?base64?…?=`; a number equals itself however it is written.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { JsonSchema } from '../../../call/catalog.ts';
import { SESSION_VERSIONS, STATELESS_VERSION } from '../era.ts';
import { HEADER_MISMATCH, McpFault, UNSUPPORTED_VERSION } from '../fault.ts';
import { isObject, jsonText, type McpRequest } from '../message.ts';
import type { Envelope } from '../stateless/envelope.ts';

/** @throws {McpFault} for a version that no era has. */
export function checkKnownVersion(version: string | string[] | undefined): void {
  if (version === undefined || version === STATELESS_VERSION) return;
  const data = { supported: [STATELESS_VERSION, ...SESSION_VERSIONS], requested: version };
  throw new McpFault(UNSUPPORTED_VERSION, `protocol version ${jsonText(version)} is not served here`, {
    status: 400,
    data,
  });
}

/** @throws {McpFault} when the version header is missing or differs from `_meta`. */
export function checkVersionHeader(headers: IncomingHttpHeaders, envelope: Envelope): void {
  const header = headers['mcp-protocol-version'];
  if (header === undefined) throw mismatch('the header MCP-Protocol-Version is missing');
  if (header !== envelope.version) throw mismatch('MCP-Protocol-Version and _meta name different versions');
}

const NAME_PARAMS: Readonly<Record<string, string>> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/** Checks the headers that repeat method, name and marked arguments. @throws {McpFault} when one does not agree. */
export function checkHeaders(
  headers: IncomingHttpHeaders,
  { method, params }: McpRequest,
  inputSchema: JsonSchema | undefined,
): void {
  if (headers['mcp-method'] !== method) throw mismatch(`the header Mcp-Method is not ${jsonText(method)}`);
  const nameParam = NAME_PARAMS[method];
  if (nameParam !== undefined) {
    const name = params[nameParam];
    if (typeof name === 'string' && headerValue(headers['mcp-name']) !== name) {
      throw mismatch(`the header Mcp-Name is not the "${nameParam}" of the request`);
    }
  }
  const marks = inputSchema ? marksOf(inputSchema) : [];
  if (marks.length === 0) return;
  const args = isObject(params['arguments']) ? params['arguments'] : {};
  for (const [name, marked] of marks) {
    const header = headerValue(headers[`mcp-param-${marked.toLowerCase()}`]);
    if (!agrees(header, args[name])) {
      throw mismatch(`the header Mcp-Param-${marked} is not the argument "${name}"`);
    }
  }
}

type Marks = readonly (readonly [argument: string, header: string])[];

const marksBySchema = new WeakMap<JsonSchema, Marks>();

/** The arguments that a schema wants repeated in headers. */
function marksOf(schema: JsonSchema): Marks {
  let marks = marksBySchema.get(schema);
  if (!marks) {
    const properties = isObject(schema['properties']) ? schema['properties'] : {};
    marks = Object.entries(properties).flatMap(([name, property]) => {
      const marked = isObject(property) ? property['x-mcp-header'] : undefined;
      return typeof marked === 'string' ? [[name, marked] as const] : [];
    });
    marksBySchema.set(schema, marks);
  }
  return marks;
}

function agrees(header: string | undefined, value: unknown): boolean {
  if (value === undefined || value === null) return header === undefined;
  if (header === undefined) return false;
  return typeof value === 'number' ? Number(header) === value : header === String(value);
}

/** A header's value, decoded; undefined when it is missing or is no valid base64. */
function headerValue(header: string | string[] | undefined): string | undefined {
  if (typeof header !== 'string') return undefined;
  const encoded = /^=\?base64\?(.*)\?=$/.exec(header)?.[1];
  if (encoded === undefined) return header;
  const decoded = Buffer.from(encoded, 'base64');
  return decoded.toString('base64') === encoded ? decoded.toString() : undefined;
}

const mismatch = (message: string): McpFault => new McpFault(HEADER_MISMATCH, message, { status: 400 });
