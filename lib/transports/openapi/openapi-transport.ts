/**
 * `GET /openapi.json`. It only describes calls; they come through the transports that are described.
 *
 * D1. A key is shown its own catalog.
 * D2. A description is written once per catalog, version and style, when it is first asked for.
 */
import { createHash } from 'node:crypto';
import type { Catalog } from '../../call/catalog.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { GatewayRequest, GatewayResponse } from '../http/gateway-message.ts';
import { commonHeaders, JSON_TYPE, respond } from '../http/response.ts';
import type { Transport, TransportContext } from '../transport.ts';
import {
  DOCUMENT_STYLES,
  DOCUMENT_VERSIONS,
  type DocumentStyle,
  type DocumentVersion,
  openApiDocument,
} from './openapi-document.ts';

interface Description {
  readonly text: string;
  readonly etag: string;
}

/** A client may keep a description, but asks every time whether it still holds: a reload replaces it. */
const CACHE_CONTROL = 'private, no-cache';

export class OpenApiTransport implements Transport {
  readonly name: string;
  readonly #descriptions = new WeakMap<Catalog, Map<string, Description>>();

  constructor(name: string) {
    this.name = name;
  }

  open({ calls, identity, http }: TransportContext): void {
    http.route({
      method: 'GET',
      path: '/openapi.json',
      description: 'describes the tools as OpenAPI (?version=3.1 or 3.2, ?style=nested or flat)',
      handle: (request, response) => {
        const query = new URL(request.url ?? '/', 'http://gateway').searchParams;
        const version = chosen(query, 'version', DOCUMENT_VERSIONS);
        const style = chosen(query, 'style', DOCUMENT_STYLES);
        this.#answer(
          request,
          response,
          this.#describe(calls.catalogOf(request.keyId), identity, version, style),
        );
      },
    });
  }

  close(): void {} // the listening socket's connections are not its own

  #describe(
    catalog: Catalog,
    identity: TransportContext['identity'],
    version: DocumentVersion,
    style: DocumentStyle,
  ): Description {
    const kept = this.#descriptions.get(catalog) ?? new Map<string, Description>();
    this.#descriptions.set(catalog, kept);
    const key = `${version} ${style}`;
    let description = kept.get(key);
    if (!description) {
      const text = JSON.stringify(openApiDocument(catalog.tools, identity, version, style));
      const hash = createHash('sha256').update(text).digest('base64url').slice(0, 22);
      description = { text, etag: `"${hash}"` };
      kept.set(key, description);
    }
    return description;
  }

  #answer(request: GatewayRequest, response: GatewayResponse, { text, etag }: Description): void {
    const caching = ['ETag', etag, 'Cache-Control', CACHE_CONTROL];
    if (matches(request.headers['if-none-match'], etag)) {
      response.writeHead(304, [...commonHeaders(request), ...caching]);
      response.end();
    } else respond(request, response, 200, JSON_TYPE, text, ...caching);
  }
}

/** By RFC 9110, section 13.1.2: a list of tags compared weakly, or `*`. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

/** @throws {ToolError} invalid_request for a value that is none of the `choices`, of which the first is the default. */
function chosen<T extends string>(query: URLSearchParams, name: string, choices: readonly [T, ...T[]]): T {
  const given = query.get(name) ?? choices[0];
  const choice = choices.find((value) => value === given);
  if (choice === undefined) {
    const text = JSON.stringify(given.slice(0, 40));
    throw new ToolError('invalid_request', `"${name}" is ${text}; it must be ${choices.join(' or ')}`);
  }
  return choice;
}
