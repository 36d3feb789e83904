/**
 * Serves the console: the files that the build made of `page/`. It makes no calls: the page does, through the other
 * transports, with a key that is typed into it.
 *
 * C1. The files hold no data and need no key. Host and Origin are checked as everywhere.
 * C2. They are read when somebody first asks for one.
 * C3. Only files that the build has made are served, looked up by name: no path of a request ever reaches the disk.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { ToolError } from '../../call/tool-error.ts';
import type { GatewayRequest, GatewayResponse } from '../http/gateway-message.ts';
import { commonHeaders, redirect, respond, respondProblem } from '../http/response.ts';
import type { Transport, TransportContext } from '../transport.ts';
import type { ConsoleOptions } from './options.ts';

const FOLDER = new URL('assets/', import.meta.url);
const PATH = '/console/';
const INDEX = 'index.html';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Nothing but the page's own files and this gateway; no markup is made of strings. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const SECURITY_HEADERS = [
  ...['Content-Security-Policy', CONTENT_SECURITY_POLICY],
  ...['Cross-Origin-Opener-Policy', 'same-origin'],
  ...['Cross-Origin-Resource-Policy', 'same-origin'],
  ...['Referrer-Policy', 'no-referrer'],
];

/** The names of all files but the page itself have a hash in them. */
const HASHED_FOR_EVER = 'public, max-age=31536000, immutable';

interface Asset {
  readonly text: string;
  readonly mediaType: string;
  readonly etag: string;
}

export class ConsoleTransport implements Transport<TransportContext<ConsoleOptions>> {
  readonly name: string;
  #assets: ReadonlyMap<string, Asset> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  open({ http, options }: TransportContext<ConsoleOptions>): void {
    if (!options.console) return;
    http.welcome(PATH);
    http.route({
      method: 'GET',
      path: PATH,
      description: 'the web console: tools, runs and the pool, in a browser',
      isOpen: true,
      handle: (request, response) => this.#serve(request, response, INDEX),
    });
    http.mount({
      path: PATH.slice(0, -1),
      isOpen: true,
      endpoints: [],
      // Whatever the method: who follows it is answered there.
      handle: (request, response) => redirect(request, response, 308, PATH),
    });
    http.mount({
      path: `${PATH}*`,
      isOpen: true,
      endpoints: [],
      handle: (request, response) => {
        if (request.method === 'GET' || request.method === 'HEAD')
          return this.#serve(request, response, request.pathOnly.slice(PATH.length));
        const refused = new ToolError(
          'method_not_allowed',
          `${request.method} is not allowed here; use GET, HEAD`,
        );
        respondProblem(request, response, refused, {}, 'Allow', 'GET, HEAD');
      },
    });
  }

  close(): void {} // the listening socket's connections are not its own

  /** @throws {ToolError} not_found */
  #serve(request: GatewayRequest, response: GatewayResponse, name: string): void {
    this.#assets ??= readAssets();
    const asset = this.#assets.get(name);
    if (!asset) {
      const reason =
        this.#assets.size === 0
          ? 'the console was not built; `npm run build` does that'
          : `the console has no file ${JSON.stringify(name.slice(0, 80))}; it begins at ${PATH}`;
      throw new ToolError('not_found', reason);
    }
    const caching = ['ETag', asset.etag, 'Cache-Control', name === INDEX ? 'no-cache' : HASHED_FOR_EVER];
    if (request.headers['if-none-match']?.includes(asset.etag)) {
      response.writeHead(304, [...commonHeaders(request), ...SECURITY_HEADERS, ...caching]);
      response.end();
    } else respond(request, response, 200, asset.mediaType, asset.text, ...SECURITY_HEADERS, ...caching);
  }
}

function readAssets(): ReadonlyMap<string, Asset> {
  const assets = new Map<string, Asset>();
  for (const name of namesIn(FOLDER)) {
    const mediaType = MEDIA_TYPES[extname(name)];
    if (mediaType === undefined) continue;
    const text = readFileSync(new URL(name, FOLDER), 'utf8');
    const hash = createHash('sha256').update(text).digest('base64url').slice(0, 22);
    assets.set(name, { text, mediaType, etag: `"${hash}"` });
  }
  return assets;
}

/** Empty where there is no such folder. */
function namesIn(folder: URL): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
