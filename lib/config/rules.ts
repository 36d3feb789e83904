/**
 * What options of different rooms must be together; the rules of one room stand beside its options.
 *
 * U1. A gateway off loopback has a key of its own, and knows the names that clients call it by.
 */
import { PUBLISHED_API_KEY } from '../access/options.ts';
import { dispatchRules } from '../dispatch/options.ts';
import * as runnerKinds from '../runners/index.ts';
import { httpRules } from '../transports/http/options.ts';
import * as transports from '../transports/index.ts';
import type { Rule } from './option.ts';
import type { Config } from './options.ts';

/** What a rule words its advice with, where it is known. */
type Advice = Partial<Pick<Config, 'port' | 'allowedHosts'>>;

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
      const { host, port } = config;
      if (isLoopback(host) || !config.auth || !config.apiKeys.includes(PUBLISHED_API_KEY)) return undefined;
      const corrected = [
        'export API_KEY="$(openssl rand -hex 24)" && npx mcp-streaming-gateway',
        `--host ${host}`,
        ...(port === 8000 || port === undefined ? [] : [`--port ${port}`]),
        ...(lacksHosts(config) ? ['--allowed-hosts "$(hostname)"'] : []),
      ].join(' ');
      return (
        `API_KEY is the published "${PUBLISHED_API_KEY}" and HOST (--host) is "${host}"; expected a key of your ` +
        `own wherever HOST is no loopback address: ${corrected}`
      );
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

const runnerRules = Object.values(runnerKinds).flatMap(({ rules }) => rules);
const transportRules = Object.values(transports).flatMap<Rule<Config>>(({ rules }) => rules);

/** Every rule, in the order in which refusals are told. */
export const RULES: readonly Rule<Config>[] = [
  ...runnerRules,
  ...openRules,
  ...dispatchRules,
  ...httpRules,
  ...transportRules,
];

const lacksHosts = ({ host, allowedHosts }: Pick<Config, 'host'> & Advice): boolean =>
  WILDCARDS.has(bare(host)) && allowedHosts?.length === 0;

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '0:0:0:0:0:0:0:0']);

const bare = (host: string): string => host.toLowerCase().replace(/^\[(.*)\]$/, '$1');

function isLoopback(host: string): boolean {
  const name = bare(host);
  return name === 'localhost' || name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name);
}
