/**
 * Who may call: the same checks for HTTP requests, WebSocket upgrades and /mcp.
 *
 * A1. `checkOrigin` comes first, on every route, before a body is read; `checkKey` second.
 * A2. A request with a good key is never refused for the wrong keys of its neighbours; a missing key is no guess.
 * A3. Works on Node's own request objects and writes nothing: the transports render what is thrown.
 * A4. What a connection has proved once it proves again by less: its key is compared, in constant time, with the one it
 *     came with before. A digest of the key costs more than all other checks together.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { ToolError } from '../call/tool-error.ts';
import { type HostAndOriginOptions, HostAndOriginRules } from './host-and-origin.ts';
import { ANONYMOUS, type KeyBook } from './key-book.ts';
import { presentedKey } from './presented-key.ts';
import { TrustedProxy } from './trusted-proxy.ts';

const WRONG_KEYS_PER_MINUTE = 10;

/** The good key that a connection came with last. */
interface Proved {
  readonly key: Buffer;
  readonly keyId: string;
  readonly edition: object;
}

export interface AccessOptions extends HostAndOriginOptions {
  readonly keys: KeyBook;
  /** False: no key is asked for. */
  readonly auth: boolean;
  /** As TRUST_PROXY has them. Default: none. */
  readonly trustProxy?: readonly string[];
  /** Counts for several gateways together. Default: this one counts for itself. */
  readonly newLimiter?: (points: number, seconds: number) => Pick<RateLimiterMemory, 'consume'>;
}

export class Access {
  readonly #rules: HostAndOriginRules;
  readonly #proxy: TrustedProxy;
  readonly #keys: KeyBook;
  readonly #auth: boolean;
  readonly #proved = new WeakMap<Socket, Proved>();
  readonly #wrongKeys: () => Pick<RateLimiterMemory, 'consume'>;

  constructor(options: AccessOptions) {
    this.#rules = new HostAndOriginRules(options);
    this.#proxy = new TrustedProxy(options.trustProxy ?? []);
    this.#keys = options.keys;
    this.#auth = options.auth;
    const { newLimiter } = options;
    const own = new RateLimiterMemory({ points: WRONG_KEYS_PER_MINUTE, duration: 60 });
    this.#wrongKeys = () => newLimiter?.(WRONG_KEYS_PER_MINUTE, 60) ?? own;
  }

  /**
   * Checks the Host and Origin headers.
   * @throws {ToolError} permission_denied; invalid_request for two Host headers, of which Node.js shows the first
   * alone while a proxy may have gone by the second.
   */
  checkOrigin(request: IncomingMessage): void {
    const { headers, rawHeaders } = request;
    if (namesHostTwice(rawHeaders))
      throw new ToolError('invalid_request', 'the request has more than one Host header; send one');
    if (!this.#rules.allowsHost(headers.host)) {
      throw new ToolError(
        'permission_denied',
        headers.host === undefined || headers.host === ''
          ? 'the request has no Host header; send one, as HTTP/1.0 may too'
          : `host ${JSON.stringify(headers.host)} is not served here; add its name to ALLOWED_HOSTS`,
      );
    }
    const { origin, host } = headers;
    if (origin !== undefined && !this.#rules.allowsOrigin(origin, host, this.#proxy.isSecure(request))) {
      throw new ToolError(
        'permission_denied',
        `origin ${JSON.stringify(origin)} may not call this gateway; add it to CORS_ORIGINS`,
      );
    }
  }

  /** The request's origin when it is one of CORS_ORIGINS: such a request gets CORS headers, no other does. */
  corsOrigin({ headers }: IncomingMessage): string | undefined {
    return headers.origin !== undefined && this.#rules.isListed(headers.origin) ? headers.origin : undefined;
  }

  /**
   * Finds who calls. Only what has to wait gives a promise.
   * @returns the caller's keyId.
   * @throws {ToolError} unauthenticated or rate_limited, at once or as a rejection.
   */
  checkKey(request: IncomingMessage, { isWebSocket = false } = {}): string | Promise<string> {
    if (!this.#auth) return ANONYMOUS;
    const key = presentedKey(request, isWebSocket);
    if (key === undefined) {
      throw new ToolError(
        'unauthenticated',
        'an API key is required: send it as X-API-Key or as Authorization: Bearer',
      );
    }
    return this.#provedAgain(request.socket, key) ?? this.#refuseWrongKey(this.addressOf(request));
  }

  /** A4. @returns the keyId of the key, where it is good. */
  #provedAgain(socket: Socket, key: string): string | undefined {
    const bytes = Buffer.from(key);
    const proved = this.#proved.get(socket);
    const isSame = proved?.edition === this.#keys.edition && proved.key.length === bytes.length;
    if (isSame && timingSafeEqual(proved.key, bytes)) return proved.keyId;
    const keyId = this.#keys.keyIdFor(key);
    if (keyId !== undefined) this.#proved.set(socket, { key: bytes, keyId, edition: this.#keys.edition });
    return keyId;
  }

  /**
   * The same for a key that came in a protocol's own way. Where the gateway takes no keys everybody is one caller.
   * @param address of the client: wrong keys are counted by it.
   * @returns the caller's keyId. Only what has to wait gives a promise.
   * @throws {ToolError} unauthenticated or rate_limited, at once or as a rejection.
   */
  identify(key: string | undefined, address: string | undefined): string | Promise<string> {
    if (!this.#auth) return ANONYMOUS;
    if (key === undefined) throw new ToolError('unauthenticated', 'an API key is required');
    return this.#keys.keyIdFor(key) ?? this.#refuseWrongKey(address);
  }

  /** Whether a request comes with a key in its headers, good or not; never where none is asked for. */
  bringsKey(request: IncomingMessage): boolean {
    return this.#auth && presentedKey(request, false) !== undefined;
  }

  /** Whether a text is a good key. */
  isKey(text: string): boolean {
    return this.#auth && this.#keys.keyIdFor(text) !== undefined;
  }

  /** The keyId of a request that may come without a key; undefined where it has none that is good. Counts nothing. */
  identifyIfKnown(request: IncomingMessage): string | undefined {
    if (!this.#auth) return ANONYMOUS;
    const key = presentedKey(request, false);
    return key === undefined ? undefined : this.#keys.keyIdFor(key);
  }

  /**
   * For what shows the figures of the whole gateway.
   * @throws {ToolError} permission_denied, for a key that may use some tools only and does not see them.
   */
  checkStats(keyId: string): void {
    if (this.#keys.rulesOf(keyId)?.seesStats !== false) return;
    throw new ToolError(
      'permission_denied',
      'this key is limited to some tools and sees no figures; its entry in KEYS_FILE may say "stats": true',
    );
  }

  /**
   * Tells of keys that were taken away: what they have open is to be closed.
   * @param listener must not throw. @returns what ends it.
   */
  onRevoked(listener: (keyIds: ReadonlySet<string>) => void): () => void {
    return this.#keys.onChange(({ revoked }) => {
      if (revoked.size > 0) listener(revoked);
    });
  }

  /** Where a request comes from: behind proxies that are trusted, what they say (trusted-proxy.ts). */
  addressOf(request: IncomingMessage): string {
    return this.#proxy.addressOf(request);
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
    return this.#countWrong(this.addressOf(request));
  }

  async #countWrong(address: string | undefined): Promise<void> {
    try {
      await this.#wrongKeys().consume(addressGroup(address ?? ''));
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
export function addressGroup(address: string): string {
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
