/** Requests that a page of another site made a browser send, where the browser says so. */
import type { IncomingMessage } from 'node:http';
import { ToolError } from '../call/tool-error.ts';

/**
 * For what must not be asked by other sites though it is a plain GET, which has no Origin.
 * @param isListed whether the request's origin is one that may call.
 * @throws {ToolError} permission_denied where Sec-Fetch-Site (W3C Fetch Metadata) says that the request is cross-site.
 */
export function refuseOtherSites({ headers }: IncomingMessage, isListed: boolean): void {
  if (headers['sec-fetch-site'] !== 'cross-site' || isListed) return;
  throw new ToolError(
    'permission_denied',
    'a page of another site may not call this gateway; add its origin to CORS_ORIGINS',
  );
}
