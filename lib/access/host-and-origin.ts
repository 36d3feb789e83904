/**
 * Which Host and Origin headers are served: the wall against DNS rebinding and against pages of other sites.
 *
 * H1. Host: a loopback name, the configured host, or one of ALLOWED_HOSTS; the port is ignored. Bound to all
 *     addresses, any IP literal too.
 * H2. Origin, where present: the gateway's own (scheme, host and port) or one of CORS_ORIGINS. `null` is nobody's.
 */
import { isIP } from 'node:net';

export interface HostAndOriginOptions {
  readonly host: string;
  readonly allowedHosts: readonly string[];
  readonly corsOrigins: readonly string[];
  /** True when the gateway itself speaks TLS. */
  readonly isSecure: boolean;
}

export class HostAndOriginRules {
  readonly #names: ReadonlySet<string>;
  readonly #takesAddresses: boolean;
  readonly #corsOrigins: ReadonlySet<string>;
  readonly #scheme: string;
  /** Host headers already found good: nearly every request sends the same one. */
  readonly #knownGood = new Set<string>();

  constructor({ host, allowedHosts, corsOrigins, isSecure }: HostAndOriginOptions) {
    this.#names = new Set([host, ...allowedHosts].map((name) => hostName(name) ?? name.toLowerCase()));
    this.#takesAddresses = host === '0.0.0.0' || host === '::' || host === '[::]';
    this.#corsOrigins = new Set(corsOrigins.map((origin) => originOf(origin) ?? origin));
    this.#scheme = schemeOf(isSecure);
  }

  allowsHost(header: string | undefined): boolean {
    if (header === undefined) return false;
    if (this.#knownGood.has(header)) return true;
    const name = hostName(header);
    if (name === undefined) return false;
    const isAllowed =
      isLoopbackName(name) ||
      this.#names.has(name) ||
      (this.#takesAddresses && isIP(unbracketed(name)) !== 0);
    if (isAllowed && this.#knownGood.size < 100) this.#knownGood.add(header);
    return isAllowed;
  }

  /**
   * True for the gateway's own pages and for listed origins. `host` is the request's Host header.
   * @param isSecure whether the client speaks TLS, where a proxy in front knows better than the gateway.
   */
  allowsOrigin(origin: string, host: string | undefined, isSecure?: boolean): boolean {
    const scheme = isSecure === undefined ? this.#scheme : schemeOf(isSecure);
    return this.isListed(origin) || originOf(origin) === originOf(`${scheme}//${host}`);
  }

  /** True for an origin of CORS_ORIGINS: the only ones that get CORS headers. */
  isListed(origin: string): boolean {
    return this.#corsOrigins.has(origin);
  }
}

const schemeOf = (isSecure: boolean): string => (isSecure ? 'https:' : 'http:');

/** True for names that only this machine answers to. */
export function isLoopbackName(name: string): boolean {
  const bare = unbracketed(name.toLowerCase());
  return (
    bare === 'localhost' ||
    bare.endsWith('.localhost') ||
    bare === '::1' ||
    (isIP(bare) === 4 && bare.startsWith('127.'))
  );
}

const unbracketed = (name: string): string => (name.startsWith('[') ? name.slice(1, -1) : name);

/** The lower-case name of a Host header or option, without its port; undefined when it is none. */
function hostName(header: string): string | undefined {
  if (!/^[A-Za-z0-9._~:[\]-]+$/.test(header)) return undefined;
  const text = isIP(header) === 6 ? `[${header}]` : header;
  const name = URL.canParse(`http://${text}/`) ? new URL(`http://${text}/`).hostname : '';
  return name === '' ? undefined : name.replace(/\.$/, '');
}

/** Scheme, host and port in one spelling; undefined for what has no origin, `null` included. */
function originOf(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { origin } = new URL(text);
  return origin === 'null' ? undefined : origin;
}
