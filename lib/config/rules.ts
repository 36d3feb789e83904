/**
 * What options of different rooms must be together; the rules of one room stand beside its options.
 *
 * U1. A gateway off loopback has a key of its own, and knows the names that clients call it by.
 */
import { accessRules, hasOneKey, PUBLISHED_API_KEY, SHORTEST_KEY } from '../access/options.ts';
import { dispatchRules } from '../dispatch/options.ts';
import { fleetRules } from '../fleet/options.ts';
import * as runnerKinds from '../runners/index.ts';
import { httpRules } from '../transports/http/options.ts';
import * as transports from '../transports/index.ts';
import type { Rule } from './option.ts';
import type { Config } from './options.ts';

/** What a rule words its advice with, where it is known. */
type Advice = Partial<Pick<Config, 'port' | 'allowedHosts' | 'metricsHost' | 'metricsPort'>>;

const openRules: readonly Rule<Pick<Config, 'host' | 'auth' | 'apiKeys'> & Advice>[] = [
  {
    about: ['host', 'auth'],
    whenListening: true,
    refusal: ({ host, auth }) =>
      isLoopback(host) || auth
        ? undefined
        : `AUTH (--no-auth) is off and HOST (--host) is "${host}"; expected AUTH on wherever HOST is no loopback ` +
          `address: leave out --no-auth and set API_KEY, or set HOST to 127.0.0.1`,
  },
  {
    about: ['host', 'auth', 'apiKeys'],
    whenListening: true,
    refusal(config) {
      const { host, port, apiKeys } = config;
      const open = openAddress(config);
      if (open === undefined || !config.auth) return undefined;
      const isPublished = apiKeys.includes(PUBLISHED_API_KEY);
      const short = apiKeys.find((key) => key.length < SHORTEST_KEY);
      if (!isPublished && short === undefined) return undefined;
      const corrected = [
        'export API_KEY="$(openssl rand -hex 24)" && npx mcp-streaming-gateway',
        ...(isLoopback(host) ? [] : [`--host ${host}`]),
        ...(port === 8000 || port === undefined ? [] : [`--port ${port}`]),
        ...(lacksHosts(config) ? ['--allowed-hosts "$(hostname)"'] : []),
      ].join(' ');
      const what = isPublished
        ? `is the published "${PUBLISHED_API_KEY}"`
        : `has a key of ${short?.length} character${short?.length === 1 ? '' : 's'}`;
      const wanted = isPublished ? 'a key of your own' : `keys of ${SHORTEST_KEY} characters or more`;
      return `API_KEY ${what} and ${open}; expected ${wanted} wherever that is no loopback address: ${corrected}`;
    },
  },
  {
    about: ['host', 'allowedHosts'],
    whenListening: true,
    refusal: (config) =>
      lacksHosts(config)
        ? `ALLOWED_HOSTS (--allowed-hosts) is empty and HOST (--host) is "${config.host}"; expected the names that ` +
          'clients use for this machine, separated by commas, such as --allowed-hosts gateway.example.com'
        : undefined,
  },
];

const toolsRules: readonly Rule<Pick<Config, 'builtIns' | 'tools'> & Partial<Config>>[] = [
  {
    about: ['builtIns', 'tools'],
    whenAlone: true,
    refusal: ({ builtIns, tools, mcpConfig = null, mcpCommand = [] }) =>
      builtIns === 'off' && tools.length === 0 && mcpConfig === null && mcpCommand.length === 0
        ? 'BUILT_INS (--built-ins) is "off" and TOOLS (--tools) is empty; expected tools to serve: give modules or ' +
          'folders with --tools PATH, servers with --config FILE, or leave BUILT_INS out'
        : undefined,
  },
];

const runnerRules = Object.values(runnerKinds).flatMap(({ rules }) => rules);
const transportRules = Object.values(transports).flatMap<Rule<Config>>(({ rules }) => rules);

/** Every rule, in the order in which refusals are told. */
export const RULES: readonly Rule<Config>[] = [
  ...runnerRules,
  ...toolsRules,
  ...openRules,
  ...accessRules,
  ...dispatchRules,
  ...fleetRules,
  ...httpRules,
  ...transportRules,
];

/** Where others than this machine can try keys, in words; undefined: nowhere. */
export function openAddress({
  host,
  metricsHost = host,
  metricsPort = null,
}: Pick<Config, 'host'> & Advice): string | undefined {
  if (!isLoopback(host)) return `HOST (--host) is "${host}"`;
  if (metricsPort === null || isLoopback(metricsHost)) return undefined;
  return `METRICS_HOST (--metrics-host) is "${metricsHost}"`;
}

/** Whether all calls are going to be of one caller, as far as options tell; another may come after all. */
export const expectsOneCaller = (config: Config): boolean =>
  hasOneKey(config) && config.oauthIssuer === '' && config.redisUrl === '';

const lacksHosts = ({ host, allowedHosts }: Pick<Config, 'host'> & Advice): boolean =>
  WILDCARDS.has(bare(host)) && allowedHosts?.length === 0;

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '0:0:0:0:0:0:0:0']);

const bare = (host: string): string => host.toLowerCase().replace(/^\[(.*)\]$/, '$1');

function isLoopback(host: string): boolean {
  const name = bare(host);
  return name === 'localhost' || name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name);
}
