/**
 * Who may call, and how often: the same checks for HTTP requests, WebSocket upgrades and /mcp.
 *
 * A1. `checkOrigin` comes first, on every route, before a body is read; `checkKey` second.
 * A2. A request with a good key is never refused for the wrong keys of its neighbours; a missing key is no guess.
 * A3. Works on Node's own request objects and writes nothing: the transports render what is thrown.
 */
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { ToolError } from '../call/tool-error.ts';
import { ApiKeyRing } from './api-key-ring.ts';
import { type HostAndOriginOptions, HostAndOriginRules } from './host-and-origin.ts';
import { presentedKey } from './presented-key.ts';

/** The keyId of every caller when keys are switched off. */
export const ANONYMOUS = 'anonymous';

const WRONG_KEYS_PER_MINUTE = 10;

export interface AccessOptions extends HostAndOriginOptions {
  readonly keys: readonly string[];
  /** False: no key is asked for. */
  readonly auth: boolean;
  /** Requests and WebSocket calls per key and second; 0: no limit. */
  readonly rateLimit: number;
}

export class Access {
  readonly #rules: HostAndOriginRules;
  readonly #keys: ApiKeyRing | undefined;
  readonly #wrongKeys = new RateLimiterMemory({ points: WRONG_KEYS_PER_MINUTE, duration: 60 });
  readonly #rate: RateLimiterMemory | undefined;

  constructor(options: AccessOptions) {
    this.#rules = new HostAndOriginRules(options);
    this.#keys = options.auth ? new ApiKeyRing(options.keys) : undefined;
    this.#rate =
      options.rateLimit > 0 ? new RateLimiterMemory({ points: options.rateLimit, duration: 1 }) : undefined;
  }

  /**
   * Checks the Host and Origin headers.
   * @throws {ToolError} permission_denied; invalid_request for two Host headers, of which Node.js shows the first
   * alone while a proxy may have gone by the second.
   */
  checkOrigin({ headers, rawHeaders }: IncomingMessage): void {
    if (namesHostTwice(rawHeaders))
      throw new ToolError('invalid_request', 'the request has more than one Host header; send one');
    if (!this.#rules.allowsHost(headers.host)) {
      throw new ToolError(
        'permission_denied',
        `host ${JSON.stringify(headers.host ?? '')} is not served here; add its name to ALLOWED_HOSTS`,
      );
    }
    if (headers.origin !== undefined && !this.#rules.allowsOrigin(headers.origin, headers.host)) {
      throw new ToolError(
        'permission_denied',
        `origin ${JSON.stringify(headers.origin)} may not call this gateway; add it to CORS_ORIGINS`,
      );
    }
  }

  /** The request's origin when it is one of CORS_ORIGINS: such a request gets CORS headers, no other does. */
  corsOrigin({ headers }: IncomingMessage): string | undefined {
    return headers.origin !== undefined && this.#rules.isListed(headers.origin) ? headers.origin : undefined;
  }

  /**
   * Finds who calls, and counts the request against the rate limit. Only what has to wait gives a promise.
   * @returns the caller's keyId.
   * @throws {ToolError} unauthenticated or rate_limited, at once or as a rejection.
   */
  checkKey(request: IncomingMessage, { isWebSocket = false } = {}): string | Promise<string> {
    const key = this.#keys && presentedKey(request, isWebSocket);
    if (this.#keys && key === undefined) {
      throw new ToolError(
        'unauthenticated',
        'an API key is required: send it as X-API-Key or as Authorization: Bearer',
      );
    }
    return this.identify(key, request.socket.remoteAddress);
  }

  /**
   * The same for a key that came in a protocol's own way. Where the gateway takes no keys everybody is one caller.
   * @param address of the client: wrong keys are counted by it.
   * @returns the caller's keyId. Only what has to wait gives a promise.
   * @throws {ToolError} unauthenticated or rate_limited, at once or as a rejection.
   */
  identify(key: string | undefined, address: string | undefined): string | Promise<string> {
    let keyId: string | undefined = ANONYMOUS;
    if (this.#keys) {
      if (key === undefined) throw new ToolError('unauthenticated', 'an API key is required');
      keyId = this.#keys.keyIdFor(key);
      if (keyId === undefined) return this.#refuseWrongKey(address);
    }
    return this.#rate ? this.spend(keyId) : keyId;
  }

  /**
   * Counts one call against the key's rate limit; for calls that are not requests of their own (WebSocket).
   * @throws {ToolError} rate_limited
   */
  async spend(keyId: string): Promise<string> {
    try {
      await this.#rate?.consume(keyId);
    } catch (refusal) {
      throw rateLimited(refusal, `more than ${this.#rate?.points} requests a second with this key`);
    }
    return keyId;
  }

  /** True when `spend` counts at all. */
  get hasRateLimit(): boolean {
    return this.#rate !== undefined;
  }

  async #refuseWrongKey(address: string | undefined): Promise<never> {
    await this.#countWrong(address);
    throw new ToolError('unauthenticated', 'the API key is wrong');
  }

  /**
   * Counts a request whose token was no good, as if it had come with a wrong key.
   * @throws {ToolError} rate_limited, as a rejection, where that was one too many.
   */
  countWrongToken(request: IncomingMessage): Promise<void> {
    return this.#countWrong(request.socket.remoteAddress);
  }

  async #countWrong(address: string | undefined): Promise<void> {
    try {
      await this.#wrongKeys.consume(addressGroup(address ?? ''));
    } catch (refusal) {
      throw rateLimited(
        refusal,
        `more than ${WRONG_KEYS_PER_MINUTE} wrong keys or tokens a minute from your address`,
      );
    }
  }
}

/** @param rawHeaders names and values in turn. */
function namesHostTwice(rawHeaders: readonly string[]): boolean {
  let count = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === 'host') count++;
  }
  return count > 1;
}

/** IPv6 addresses of one /64 count together: one subscriber has them all. */
function addressGroup(address: string): string {
  if (isIP(address) !== 6 || address.startsWith('::ffff:')) return address;
  const [head = '', tail = ''] = address.split('::');
  const start = head.split(':').filter(Boolean);
  const end = tail.split(':').filter(Boolean);
  const zeros = new Array<string>(Math.max(0, 8 - start.length - end.length)).fill('0');
  return [...start, ...zeros, ...end].slice(0, 4).join(':');
}

function rateLimited(refusal: unknown, message: string): ToolError {
  if (!(refusal instanceof RateLimiterRes))
    return ToolError.from(refusal, 'internal', 'the rate limit failed');
  return new ToolError('rate_limited', message, { retryAfterMs: Math.max(1, refusal.msBeforeNext) });
}
