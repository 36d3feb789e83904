/**
 * What options must be together. Each rule gives the sentences of what is wrong with a configuration whose
 * single values are all right.
 *
 * Rules of listening matter only to a gateway that opens a port: `stdio`, `tools` and `call` start all the same.
 */
import { type Config, PUBLISHED_API_KEY } from './options.ts';

/** Rules of every gateway. */
export function conflicts({ minWorkers, maxWorkers }: Pick<Config, 'minWorkers' | 'maxWorkers'>): string[] {
  const found: string[] = [];
  if (minWorkers > maxWorkers) {
    found.push(
      `MIN_WORKERS (--min-workers) is ${minWorkers} and MAX_WORKERS (--max-workers) is ` +
        `${maxWorkers}; expected MIN_WORKERS to be at most MAX_WORKERS (threads)`,
    );
  }
  return found;
}

/** Rules of a gateway that opens a port. */
export function listeningConflicts(config: Config): string[] {
  const found: string[] = [];
  const { host, tlsCert, tlsKey } = config;
  const isOpen = !isLoopback(host);
  const isWildcard = WILDCARDS.has(bare(host));
  const lacksHosts = isWildcard && config.allowedHosts.length === 0;
  if (isOpen && !config.auth) {
    found.push(
      `AUTH (--no-auth) is off and HOST (--host) is "${host}"; expected AUTH on wherever HOST is no loopback ` +
        `address: leave out --no-auth and set API_KEY, or set HOST to 127.0.0.1`,
    );
  }
  if (isOpen && config.auth && config.apiKeys.includes(PUBLISHED_API_KEY)) {
    const corrected = [
      'export API_KEY="$(openssl rand -hex 24)" && npx mcp-streaming-gateway',
      `--host ${host}`,
      ...(config.port === 8000 ? [] : [`--port ${config.port}`]),
      ...(lacksHosts ? ['--allowed-hosts "$(hostname)"'] : []),
    ].join(' ');
    found.push(
      `API_KEY is the published "${PUBLISHED_API_KEY}" and HOST (--host) is "${host}"; expected a key of your ` +
        `own wherever HOST is no loopback address: ${corrected}`,
    );
  }
  if (lacksHosts) {
    found.push(
      `ALLOWED_HOSTS (--allowed-hosts) is empty and HOST (--host) is "${host}"; expected the names that clients ` +
        'use for this machine, separated by commas, such as --allowed-hosts gateway.example.com',
    );
  }
  if ((tlsCert === null) !== (tlsKey === null)) {
    const [there, missing] = tlsCert === null ? ['TLS_KEY', 'TLS_CERT'] : ['TLS_CERT', 'TLS_KEY'];
    found.push(
      `${missing} is not set and ${there} is "${tlsCert ?? tlsKey}"; expected both paths or neither`,
    );
  }
  const { oauthIssuer, oauthAudience, oauthJwksUri } = config;
  const together = { OAUTH_ISSUER: oauthIssuer, OAUTH_AUDIENCE: oauthAudience, OAUTH_JWKS_URI: oauthJwksUri };
  const names = Object.entries(together);
  const missing = names.filter(([, value]) => value === '').map(([name]) => name);
  const given = names.filter(([, value]) => value !== '').map(([name]) => name);
  if (missing.length > 0 && given.length > 0) {
    found.push(
      `${missing.join(' and ')} is not set and ${given.join(' and ')} is; expected all of OAUTH_ISSUER, ` +
        'OAUTH_AUDIENCE and OAUTH_JWKS_URI, or none of them',
    );
  }
  if (oauthIssuer !== '' && !config.auth) {
    found.push(
      `AUTH (--no-auth) is off and OAUTH_ISSUER is "${oauthIssuer}"; expected AUTH on where tokens count`,
    );
  }
  return found;
}

const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '0:0:0:0:0:0:0:0']);

const bare = (host: string): string => host.toLowerCase().replace(/^\[(.*)\]$/, '$1');

function isLoopback(host: string): boolean {
  const name = bare(host);
  return name === 'localhost' || name === '::1' || /^127(?:\.\d{1,3}){3}$/.test(name);
}
