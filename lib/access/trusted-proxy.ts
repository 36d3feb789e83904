/**
 * Who a request comes from where proxies stand in front, and by which scheme: what they say in X-Forwarded-For and
 * X-Forwarded-Proto, as far as they are trusted (TRUST_PROXY).
 *
 * P1. Read from the right: each proxy adds whom it was called by, so the rightmost address that is no trusted proxy's
 *     is the caller's. What stands left of it the caller may have written itself.
 * P2. Nothing is believed of a connection that does not come from a trusted proxy. X-Forwarded-Host never is.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** One entry of TRUST_PROXY: an address, or a net as `10.0.0.0/8`; a number of proxies; or off. */
export const TRUST_PROXY_FORM = /^(?:off|\d{1,2}|[0-9a-fA-F:.]{2,45}(?:\/\d{1,3})?)$/;

export class TrustedProxy {
  readonly #hops: number;
  readonly #nets: BlockList | undefined;

  /** @param entries as TRUST_PROXY has them; checked before. */
  constructor(entries: readonly string[]) {
    const numbers = entries.filter(isNumber);
    this.#hops = numbers.length > 0 ? Number(numbers[0]) : 0;
    const addresses = entries.filter((entry) => entry !== 'off' && !isNumber(entry));
    if (addresses.length === 0) return;
    this.#nets = new BlockList();
    for (const address of addresses) addNet(this.#nets, address);
  }

  /** The address that the request comes from. */
  addressOf({ socket, headers }: IncomingMessage): string {
    let address = bare(socket.remoteAddress ?? '');
    const forwarded = headers['x-forwarded-for'];
    if (forwarded === undefined || !this.#isTrusted(address, 0)) return address;
    const chain = String(forwarded).split(',');
    for (let hop = 0; hop < chain.length && this.#isTrusted(address, hop); hop++) {
      const next = bare(withoutPort(chain[chain.length - 1 - hop]?.trim() ?? ''));
      if (isIP(next) === 0) break;
      address = next;
    }
    return address;
  }

  /** Whether the caller speaks TLS to the proxy; undefined where nobody who is trusted says so. */
  isSecure({ socket, headers }: IncomingMessage): boolean | undefined {
    const scheme = headers['x-forwarded-proto'];
    if (scheme === undefined || !this.#isTrusted(bare(socket.remoteAddress ?? ''), 0)) return undefined;
    return String(scheme).split(',').at(-1)?.trim().toLowerCase() === 'https';
  }

  /** @param hop how many proxies have been passed before this address. */
  #isTrusted(address: string, hop: number): boolean {
    if (hop < this.#hops) return true;
    const family = isIP(address);
    return family !== 0 && this.#nets?.check(address, family === 6 ? 'ipv6' : 'ipv4') === true;
  }
}

const isNumber = (entry: string): boolean => /^\d{1,2}$/.test(entry);

/** Whether an entry of the right form is an address or a net. */
export function isTrustProxyEntry(entry: string): boolean {
  if (entry === 'off' || isNumber(entry)) return true;
  try {
    addNet(new BlockList(), entry);
    return true;
  } catch {
    return false;
  }
}

/** @throws {TypeError} or {RangeError} for what is neither address nor net. */
function addNet(nets: BlockList, entry: string): void {
  const [address = '', prefix] = entry.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) === 0) throw new TypeError(`${entry} is no address`);
  if (prefix === undefined) nets.addAddress(address, family);
  else nets.addSubnet(address, Number(prefix), family);
}

/** An IPv4 address in its own spelling where a socket of both families has it; a local one without its interface. */
const bare = (address: string): string =>
  address.includes(':') ? address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '') : address;

/** `192.0.2.1:4711` and `[2001:db8::1]:4711` as some proxies write them. */
function withoutPort(text: string): string {
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/.exec(text) ?? [];
  return bracketed ?? (/^[\d.]+:\d+$/.test(text) ? text.slice(0, text.indexOf(':')) : text);
}
