/**
 * Where clients look for an authorization server: nothing is there, and they are told so without a key. A client that
 * is asked for a key where it looks for the way to get one takes the gateway for broken; one that finds nothing goes on
 * with the key that it has.
 */
import { ToolError } from '../../../call/tool-error.ts';
import type { Mount } from '../../http/registration.ts';

/** Of RFC 8414, RFC 9728 and OpenID Connect, which appends to the path; and where clients register by default. */
const PATHS = ['/.well-known/*', '/mcp/.well-known/*', '/register'];

export const discoveryMounts: readonly Mount[] = PATHS.map((path) => ({
  path,
  isOpen: true,
  endpoints: [],
  handle: ({ pathOnly }) => {
    throw new ToolError(
      'not_found',
      `there is nothing at ${pathOnly}: send a key as X-API-Key or Authorization`,
    );
  },
}));
