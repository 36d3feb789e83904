/**
 * The target of a request in the one form that everything behind the guard knows: a path and a query.
 *
 * F1. The absolute form (`GET http://host/path`) is every server's to take (RFC 9112, 3.2.2). Its authority is the
 *     host that is asked, whatever the Host header says, and is put in that header's place before it is checked.
 * F2. A fragment is no part of a target (RFC 9112, 3.2.1): one that is sent all the same is left out.
 * F3. A path with one slash at its end is the path without it, but where what is registered ends in a slash itself.
 */
import type { IncomingMessage } from 'node:http';
import { ToolError } from '../../call/tool-error.ts';

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\//i;
const NONE: ReadonlySet<string> = new Set();
const HTTP_TARGET = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * Rewrites `request.url`, and the Host header where the target names the host itself.
 * @param keepsSlash the registered paths that end in a slash. Default: none.
 * @throws {ToolError} invalid_request for an absolute target that names no host of HTTP; `request.url` is a path then, too.
 */
export function settleTarget(request: IncomingMessage, keepsSlash: ReadonlySet<string> = NONE): void {
  const given = request.url ?? '';
  if (!given.startsWith('/') && ABSOLUTE.test(given)) settleAbsolute(request, given);
  const whole = request.url ?? '';
  const fragment = whole.indexOf('#');
  const target = fragment < 0 ? whole : whole.slice(0, fragment);
  if (fragment >= 0) request.url = target;
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  if (path.length > 1 && path.endsWith('/') && !path.endsWith('//') && !keepsSlash.has(path)) {
    request.url = path.slice(0, -1) + target.slice(path.length);
  }
}

function settleAbsolute(request: IncomingMessage, target: string): void {
  const [, authority = '', rest = ''] = HTTP_TARGET.exec(target) ?? [];
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  // User info in a target hides the host that is asked (RFC 9110, 4.2.4).
  if (authority === '' || authority.includes('@')) {
    throw new ToolError(
      'invalid_request',
      'the request target is no http or https URL of a host, without a user name; send the path, or http://host/path',
    );
  }
  // A request without the header is malformed in HTTP/1.1, whatever its target (RFC 9112, 3.2).
  if (request.headers.host === undefined && request.httpVersion !== '1.0') {
    throw new ToolError('invalid_request', 'the request has no Host header; send one');
  }
  request.headers.host = authority;
}
