/**
 * The target of a request in the one form that everything behind the guard knows: a path and a query.
 *
 * F1. The absolute form (`GET http://host/path`) is every server's to take (RFC 9112, 3.2.2). Its authority is the
 *     host that is asked, whatever the Host header says, and is put in that header's place before it is checked.
 * F2. A path with one slash at its end is the path without it, but where what is registered ends in a slash itself.
 */
import { ToolError } from '../../call/tool-error.ts';
import type { GatewayRequest } from './gateway-message.ts';

const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\//i;
const HTTP_TARGET = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * Rewrites `request.url`, and the Host header where the target names the host itself.
 * @param keepsSlash the registered paths that end in a slash.
 * @throws {ToolError} invalid_request for an absolute target that names no host of HTTP; `request.url` is a path then, too.
 */
export function settleTarget(request: GatewayRequest, keepsSlash: ReadonlySet<string>): void {
  const target = request.url ?? '';
  if (!target.startsWith('/') && ABSOLUTE.test(target)) settleAbsolute(request, target);
  const path = request.pathOnly;
  if (path.length > 1 && path.endsWith('/') && !path.endsWith('//') && !keepsSlash.has(path)) {
    request.url = path.slice(0, -1) + (request.url ?? '').slice(path.length);
  }
}

function settleAbsolute(request: GatewayRequest, target: string): void {
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
