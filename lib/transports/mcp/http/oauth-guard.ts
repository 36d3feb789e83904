/**
 * OAuth 2.1 for /mcp: the gateway as a resource server that trusts one issuer (RFC 9728, RFC 8707).
 *
 * A1. Off unless an issuer is configured; API keys go on working beside it.
 * A2. A token counts only when its signature is of the issuer's key set, its audience is this server, it has not
 *     expired and it has every required scope. Symmetric algorithms are refused.
 * A3. The library that checks tokens is loaded with the first token.
 * A4. Tokens come in the Authorization header alone, are never logged and are passed on to nobody.
 * A5. A bad token counts as a wrong API key does: ten of both a minute from one address.
 */
import { hash } from 'node:crypto';
import type { JWTPayload, JWTVerifyGetKey } from 'jose';
import type { Access } from '../../../access/access.ts';
import { TOKEN_KEY_PREFIX } from '../../../access/key-book.ts';
import { bearerToken } from '../../../access/presented-key.ts';
import { ToolError } from '../../../call/tool-error.ts';
import type { GatewayRequest } from '../../http/gateway-message.ts';
import type { Mount } from '../../http/registration.ts';
import { JSON_TYPE, respond } from '../../http/response.ts';
import type { TransportLog } from '../../rendering/transport-log.ts';
import { errorData, McpFault } from '../fault.ts';

export interface OAuthOptions {
  /** Empty: no tokens are taken. The `iss` of good tokens, and the authorization server that clients are sent to. */
  readonly issuer: string;
  /** The `aud` of good tokens: the address of /mcp as clients know it. */
  readonly audience: string;
  readonly jwksUri: string;
  /** Scopes that every request needs. */
  readonly scopes: readonly string[];
}

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const METADATA_PATH = '/.well-known/oauth-protected-resource';

type TokenAccess = Pick<Access, 'countWrongToken' | 'isKey'>;

export class OAuthGuard {
  /** Where clients find which authorization server to ask. */
  readonly mounts: readonly Mount[];
  readonly #options: OAuthOptions;
  readonly #access: TokenAccess;
  readonly #log: TransportLog;
  readonly #metadataUrl: string;
  #keys: JWTVerifyGetKey | undefined;

  /** @param log is told when the issuer's keys cannot be had. */
  constructor(options: OAuthOptions, access: TokenAccess, log: TransportLog) {
    const { origin, pathname } = new URL(options.audience);
    const path = pathname === '/' ? '' : pathname;
    this.#options = options;
    this.#access = access;
    this.#log = log;
    this.#metadataUrl = `${origin}${METADATA_PATH}${path}`;
    this.mounts = [...new Set([METADATA_PATH, `${METADATA_PATH}${path}`])].map((at) => this.#mount(at));
  }

  /**
   * Finds who calls.
   * @param checkKey is asked where the request brings no token.
   * @returns the caller's keyId. @throws {McpFault} 401 or 403 with the challenge that tells the client what to do.
   */
  async authorize(request: GatewayRequest, checkKey: () => string | Promise<string>): Promise<string> {
    const token = bearerToken(request.headers.authorization);
    // A key may have the form of a token.
    if (token !== undefined && token.split('.').length === 3 && !this.#access.isKey(token))
      return this.#verify(token, request);
    try {
      return await checkKey();
    } catch (thrown) {
      if (!ToolError.is(thrown) || thrown.code !== 'unauthenticated') throw thrown;
      throw this.#refusal(thrown, token === undefined ? undefined : 'invalid_token');
    }
  }

  async #verify(token: string, request: GatewayRequest): Promise<string> {
    const { issuer, audience, scopes, jwksUri } = this.#options;
    const { createRemoteJWKSet, errors, jwtVerify } = await import('jose');
    this.#keys ??= createRemoteJWKSet(new URL(jwksUri), { timeoutDuration: 5000 });
    let payload: JWTPayload;
    try {
      const options = { issuer, audience, algorithms: ALGORITHMS, requiredClaims: ['exp', 'sub'] };
      ({ payload } = await jwtVerify(token, this.#keys, options));
    } catch (thrown) {
      if (!(thrown instanceof errors.JOSEError) || thrown instanceof errors.JWKSTimeout) {
        this.#log('warning', "an access token cannot be checked without the issuer's keys", {
          error: thrown,
        });
        throw keysUnavailable(thrown);
      }
      await this.#access.countWrongToken(request);
      throw this.#refusal(
        new ToolError('unauthenticated', `the access token is ${flawOf(thrown)}`),
        'invalid_token',
      );
    }
    const granted = new Set(String(payload['scope'] ?? '').split(' '));
    if (scopes.every((scope) => granted.has(scope))) return keyIdOf(payload);
    throw this.#refusal(
      new ToolError('permission_denied', `the access token needs the scopes ${scopes.join(' ')}`),
      'insufficient_scope',
    );
  }

  #refusal(error: ToolError, reason: string | undefined): McpFault {
    const { scopes } = this.#options;
    const parts = [
      ...(reason === undefined
        ? []
        : [`error="${reason}"`, `error_description="${error.message.replaceAll('"', "'")}"`]),
      ...(scopes.length === 0 ? [] : [`scope="${scopes.join(' ')}"`]),
      `resource_metadata="${this.#metadataUrl}"`,
    ];
    return new McpFault(1000 + error.status, error.message, {
      status: error.status,
      data: errorData(error),
      headers: ['WWW-Authenticate', `Bearer ${parts.join(', ')}`],
    });
  }

  #mount(path: string): Mount {
    const { issuer, audience, scopes } = this.#options;
    const body = JSON.stringify({
      resource: audience,
      authorization_servers: [issuer],
      ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
      bearer_methods_supported: ['header'],
    });
    return {
      path,
      isOpen: true,
      endpoints: [{ method: 'GET', path, description: 'names the authorization server of /mcp (RFC 9728)' }],
      handle(request, response) {
        if (request.method === 'GET' || request.method === 'HEAD') {
          return respond(request, response, 200, JSON_TYPE, body);
        }
        throw new ToolError('method_not_allowed', `${request.method} is not allowed here; use GET`);
      },
    };
  }
}

/** A stable public name of a token's holder; sessions are bound to it. */
function keyIdOf({ iss, sub }: JWTPayload): string {
  return `${TOKEN_KEY_PREFIX}${hash('sha256', JSON.stringify([iss, sub]), 'hex').slice(0, 16)}`;
}

/** What is wrong with a token, without a word of its content. */
function flawOf(error: { readonly code: string; readonly claim?: unknown }): string {
  if (error.code === 'ERR_JWT_EXPIRED') return 'expired; get a new one';
  if (error.code === 'ERR_JWT_CLAIM_VALIDATION_FAILED')
    return `not for this server (its "${error.claim}" claim)`;
  return 'not valid here';
}

function keysUnavailable(cause: unknown): ToolError {
  return new ToolError('unavailable', "the issuer's keys cannot be fetched to check the token", {
    cause,
    retryAfterMs: 5000,
  });
}
