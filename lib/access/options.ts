/** The options of who may call, and how often. */
import { option, type Rule, type ValuesOf } from '../config/option.ts';
import { list, onOff, optionalPath, type ValueKind, wholeNumber } from '../config/value-kind.ts';
import { isTrustProxyEntry, TRUST_PROXY_FORM } from './trusted-proxy.ts';

/** The key that every printed example uses; it opens nothing off loopback. */
export const PUBLISHED_API_KEY = 'super-secret';

/** The form of a key: visible ASCII characters without a comma. */
export const KEY_FORM = /^[\x21-\x2b\x2d-\x7e]+$/;

/** Of keys wherever others than this machine can try them. */
export const SHORTEST_KEY = 16;

/** One key or more where text gives them; none where files do, or code says so. */
function keys(): ValueKind<readonly string[]> {
  const expected = 'one or more keys of visible ASCII characters, separated by commas, none of them empty';
  const kind = list(KEY_FORM, expected, 'keys');
  return { ...kind, read: (given) => given.split(',').map((key) => key.trim()) };
}

/** A name with or without a port, or an address, IPv6 with or without brackets; no pattern. */
const HOST_FORM =
  /^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$|^[0-9A-Fa-f.]*(?::[0-9A-Fa-f.]*){2,}$/;

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
    kind: keys(),
    default: PUBLISHED_API_KEY,
    summary: 'The keys that open the gateway, separated by commas; there is no flag for it.',
    reason:
      'The first call works at once; the gateway refuses to start with it off loopback, and it is void where a file of keys is given.',
    secret: true,
    refusesEmpty: true,
    yields: { to: ['apiKeyFile', 'keysFile'], value: [] },
  }),
  apiKeyFile: option({
    env: 'API_KEY_FILE',
    flag: '--api-key-file',
    kind: optionalPath(),
    default: '',
    summary:
      'A file that holds what API_KEY would, one key a line or separated by commas; it is read anew when it changes.',
    reason: 'One key in the environment is enough to begin with.',
  }),
  keysFile: option({
    env: 'KEYS_FILE',
    flag: '--keys-file',
    kind: optionalPath(),
    default: '',
    summary:
      'A JSON file of named keys, with the tools and the rate of each; it is read anew when it changes.',
    reason: 'Every key may use every tool until you say otherwise.',
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
    kind: list(HOST_FORM, 'host names or addresses separated by commas, without wildcards', 'names'),
    default: '',
    summary: 'Names accepted in the Host header besides loopback names and HOST, separated by commas.',
    reason: 'A page whose name an attacker points at this machine is refused.',
  }),
  corsOrigins: option({
    env: 'CORS_ORIGINS',
    flag: '--cors-origins',
    kind: list(
      /^(?:null|[a-z][a-z0-9+.-]*:\/\/[^\s/,*]+)$/i,
      'origins such as https://app.example.com, separated by commas, without wildcards',
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
    summary:
      'Calls a second that one key may start, of tools, resources, prompts and completions; 0 switches the limit off.',
    reason: 'A gateway of your own needs none.',
  }),
};

type AccessSettings = ValuesOf<typeof accessOptions>;

/** Whether one key at most may call, or nobody is told from another. How many keys a file has is not known here. */
export const hasOneKey = ({ auth, apiKeys, apiKeyFile, keysFile }: AccessSettings): boolean =>
  !auth || (apiKeys.length <= 1 && apiKeyFile === null && keysFile === null);

export const accessRules: readonly Rule<AccessSettings>[] = [
  {
    about: ['auth', 'apiKeys', 'apiKeyFile', 'keysFile'],
    whenListening: true,
    refusal({ auth, apiKeys, apiKeyFile, keysFile }) {
      if (!auth || apiKeys.length > 0 || apiKeyFile !== null || keysFile !== null) return undefined;
      return 'API_KEY has no key; expected one or more, or a file of them (API_KEY_FILE, KEYS_FILE)';
    },
  },
  {
    about: ['apiKeys', 'apiKeyFile'],
    whenListening: true,
    refusal({ apiKeys, apiKeyFile }) {
      if (apiKeyFile === null || apiKeys.length === 0) return undefined;
      return (
        `API_KEY is (hidden) and API_KEY_FILE (--api-key-file) is "${apiKeyFile}"; expected one of the two: unset ` +
        'API_KEY, or leave the file out'
      );
    },
  },
  {
    about: ['auth', 'keysFile'],
    whenListening: true,
    refusal({ auth, keysFile }) {
      if (auth || keysFile === null) return undefined;
      return (
        `AUTH (--no-auth) is off and KEYS_FILE (--keys-file) is "${keysFile}", whose limits would hold for nobody; ` +
        'expected AUTH on, or no file'
      );
    },
  },
];
