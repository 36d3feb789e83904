/** The options of who may call, and how often. */
import { option } from '../config/option.ts';
import { list, onOff, type ValueKind, wholeNumber } from '../config/value-kind.ts';
import { isTrustProxyEntry, TRUST_PROXY_FORM } from './trusted-proxy.ts';

/** The key that every printed example uses; it opens nothing off loopback. */
export const PUBLISHED_API_KEY = 'super-secret';

function trustedProxies(): ValueKind<readonly string[]> {
  const expected = 'off, a number of proxies, or addresses and nets such as 10.0.0.0/8 separated by commas';
  const kind = list(TRUST_PROXY_FORM, expected, 'proxies', 1);
  const isAlone = (entry: string): boolean => entry === 'off' || /^\d+$/.test(entry);
  const areFit = (entries: readonly string[]): boolean =>
    entries.every(isTrustProxyEntry) && (entries.length === 1 || !entries.some(isAlone));
  return { ...kind, accepts: (value) => kind.accepts(value) && areFit(value as readonly string[]) };
}

export const accessOptions = {
  apiKeys: option({
    env: 'API_KEY',
    kind: list(
      /^[\x21-\x2b\x2d-\x7e]+$/,
      'one or more keys of visible ASCII characters, separated by commas, none of them empty',
      'keys',
      1,
    ),
    default: PUBLISHED_API_KEY,
    summary: 'The keys that open the gateway, separated by commas; there is no flag for it.',
    reason: 'The first call works at once; the gateway refuses to start with it off loopback.',
    secret: true,
    refusesEmpty: true,
  }),
  auth: option({
    env: 'AUTH',
    flag: '--auth',
    kind: onOff(),
    default: 'on',
    summary: 'Whether a key is needed; `--no-auth` is the same as `--auth off`. Off works on loopback only.',
    reason: 'Nothing is open by accident.',
  }),
  allowedHosts: option({
    env: 'ALLOWED_HOSTS',
    flag: '--allowed-hosts',
    kind: list(/^[^\s/,]+$/, 'host names separated by commas', 'names'),
    default: '',
    summary: 'Names accepted in the Host header besides loopback names and HOST, separated by commas.',
    reason: 'A page whose name an attacker points at this machine is refused.',
  }),
  corsOrigins: option({
    env: 'CORS_ORIGINS',
    flag: '--cors-origins',
    kind: list(
      /^(?:null|[a-z][a-z0-9+.-]*:\/\/[^\s/,]+)$/i,
      'origins such as https://app.example.com, separated by commas',
      'origins',
    ),
    default: '',
    summary: 'Origins whose web pages may call the gateway, separated by commas.',
    reason: 'No web page may until you list it.',
  }),
  trustProxy: option({
    env: 'TRUST_PROXY',
    flag: '--trust-proxy',
    kind: trustedProxies(),
    default: 'off',
    summary:
      'The proxies in front: how many, or their addresses and nets, separated by commas. Then the rightmost other address of X-Forwarded-For is the caller, and X-Forwarded-Proto tells the scheme.',
    reason: 'Without a proxy anybody could write these headers.',
  }),
  rateLimit: option({
    env: 'RATE_LIMIT',
    flag: '--rate-limit',
    kind: wholeNumber(0, 1_000_000, 'calls per key and second'),
    default: '0',
    summary: 'Calls a second that one key may start; 0 switches the limit off.',
    reason: 'A gateway of your own needs none.',
  }),
};
