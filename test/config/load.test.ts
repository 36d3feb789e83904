/** Where values come from, and what is refused. */
import { expect } from 'chai';
import { ConfigError } from '../../lib/config/config-error.ts';
import { checkListening, completeConfig, loadConfig } from '../../lib/config/load.ts';
import { OPTION_LIST } from '../../lib/config/options.ts';
import { expectsOneCaller } from '../../lib/config/rules.ts';
import { defaultMemoryLimit } from '../../lib/runners/threads/memory/available-memory.ts';

type Sources = Partial<Parameters<typeof loadConfig>[0]>;

const load = (sources: Sources) => loadConfig({ env: {}, flags: {}, listens: true, ...sources });

/** The sentences of the refusal, or a failure when there is none. */
function problemsOf(sources: Sources): readonly string[] {
  try {
    load(sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('loadConfig()', () => {
  it('gives the documented defaults when nothing is set', () => {
    const { config, origins } = load({ env: { XDG_DATA_HOME: '/data' } });
    expect(config).to.deep.equal({
      host: '127.0.0.1',
      port: 8000,
      apiKeys: ['super-secret'],
      apiKeyFile: null,
      keysFile: null,
      auth: true,
      allowedHosts: [],
      corsOrigins: [],
      minWorkers: 2,
      maxWorkers: 8,
      callsPerWorker: 128,
      workerHeapMb: 256,
      memoryLimitBytes: defaultMemoryLimit(),
      grpc: false,
      grpcPort: null,
      isolation: 'tool',
      journeysUrl: '',
      leaseMs: 15_000,
      maxStarts: 2,
      nodeId: '',
      orphanGraceMs: 10_000,
      redisCa: null,
      redisPrefix: 'mg',
      redisUrl: '',
      role: 'all',
      workerGroups: [],
      requestTimeoutMs: 60_000,
      queueLimit: 64,
      queueWaitMs: 10_000,
      cancelGraceMs: 2_000,
      streamStallMs: 30_000,
      drainTimeoutMs: 25_000,
      resumeTtlMs: 120_000,
      resumeBytes: 1_048_576,
      resumeTotalBytes: 67_108_864,
      detachMaxMs: 300_000,
      breaker: true,
      breakerFailures: 5,
      breakerWindowMs: 10_000,
      breakerOpenMs: 10_000,
      retries: 0,
      toolLimits: null,
      maxBodyBytes: 1_048_576,
      maxResultBytes: 8_388_608,
      repeatBytes: 65_536,
      socketCalls: 8,
      maxConnections: 4_096,
      rateLimit: 0,
      trustProxy: ['off'],
      logLevel: 'INFO',
      tools: [],
      builtIns: 'auto',
      toolEnv: [],
      mcpConfig: null,
      mcpCommand: [],
      dataDir: '/data/mcp-streaming-gateway',
      tlsCert: null,
      tlsKey: null,
      graphql: false,
      graphqlCalls: 1,
      legacySse: true,
      toolSearch: false,
      oauthIssuer: '',
      oauthAudience: '',
      oauthJwksUri: '',
      oauthScopes: [],
      console: true,
      metrics: true,
      metricsPort: null,
      metricsHost: '127.0.0.1',
      reload: false,
      supervise: false,
    });
    expect(Object.values(origins)).to.satisfy((all: string[]) => all.every((origin) => origin === 'default'));
  });

  it('refuses a port for metrics that are off, and one off loopback without keys', () => {
    expect(problemsOf({ env: { METRICS: 'off', METRICS_PORT: '9464' } })[0]).to.match(
      /METRICS_PORT is 9464.*METRICS is off/,
    );
    const open = { METRICS_PORT: '9464', METRICS_HOST: '10.0.0.5', AUTH: 'off' };
    expect(problemsOf({ env: open })[0]).to.match(/METRICS_HOST is "10\.0\.0\.5" and AUTH .* is off/);
    expect(problemsOf({ env: { METRICS_PORT: '70000' } })[0]).to.match(/METRICS_PORT.*70000/);
  });

  it('prefers a flag to a variable and a variable to the default', () => {
    const { config, origins } = load({
      env: { PORT: '9000', MIN_WORKERS: '3' },
      flags: { port: '9001' },
    });
    expect(config).to.include({ port: 9001, minWorkers: 3, maxWorkers: 8 });
    expect(origins).to.include({ port: 'flag', minWorkers: 'environment', maxWorkers: 'default' });
  });

  it('reads seconds with decimals as milliseconds', () => {
    expect(load({ env: { MCP_REQUEST_TIMEOUT: '60.0' } }).config.requestTimeoutMs).to.equal(60_000);
    expect(load({ env: { MCP_REQUEST_TIMEOUT: '0.25' } }).config.requestTimeoutMs).to.equal(250);
  });

  it('reads sizes as plain bytes and with a unit', () => {
    const bytes = (text: string) => load({ env: { MAX_BODY_BYTES: text } }).config.maxBodyBytes;
    expect([bytes('1000'), bytes('64KiB'), bytes('1mib'), bytes('1.5 KiB')]).to.deep.equal([
      1000, 65_536, 1_048_576, 1_536,
    ]);
  });

  it('reads lists with spaces around the commas, and a repeated flag as one list', () => {
    const { config } = load({
      env: { API_KEY: 'one, two', ALLOWED_HOSTS: 'a.example, b.example' },
      flags: { tools: ['./a.js', './b.js,./c.js'] },
    });
    expect(config.apiKeys).to.deep.equal(['one', 'two']);
    expect(config.allowedHosts).to.deep.equal(['a.example', 'b.example']);
    expect(config.tools).to.deep.equal(['./a.js', './b.js', './c.js']);
  });

  it('takes an empty variable for an absent one, but for API_KEY', () => {
    expect(load({ env: { PORT: '', TLS_CERT: '', LOG_LEVEL: '' } }).config).to.include({
      port: 8000,
      tlsCert: null,
      logLevel: 'INFO',
    });
    expect(problemsOf({ env: { API_KEY: '' } })).to.have.length(1);
  });

  it('names every bad option with its value, what was expected and the unit, in one message', () => {
    const problems = problemsOf({
      env: { MIN_WORKERS: 'many', MCP_REQUEST_TIMEOUT: '-1', LOG_LEVEL: 'LOUD', AUTH: 'perhaps' },
      flags: { port: '70000', maxBodyBytes: '1TB' },
    });
    expect(problems).to.deep.equal([
      'PORT (--port) is "70000" (given as a flag); expected a whole number from 0 to 65535',
      'AUTH (--auth) is "perhaps" (from the environment); expected on or off',
      'MCP_REQUEST_TIMEOUT (--request-timeout) is "-1" (from the environment); expected a number from 0.001 to 2147483 (seconds)',
      'MAX_BODY_BYTES (--max-body-bytes) is "1TB" (given as a flag); expected a size from 1 to 256MiB, as bytes or like 64KiB or 1MiB (bytes)',
      'MIN_WORKERS (--min-workers) is "many" (from the environment); expected a whole number from 1 to 256 (threads)',
      'LOG_LEVEL (--log-level) is "LOUD" (from the environment); expected one of DEBUG, INFO, WARNING, ERROR',
    ]);
  });

  it('refuses text that JavaScript would quietly read as a number', () => {
    for (const value of [' ', '1e99', '2.5', 'Infinity', '0x10x', 'NaN']) {
      expect(problemsOf({ env: { MAX_WORKERS: value } }), value).to.have.length(1);
    }
  });

  it('refuses an empty key among several and prints none of them', () => {
    const [problem] = problemsOf({ env: { API_KEY: 'tell-nobody,,second' } });
    expect(problem).to.contain('API_KEY').and.to.contain('none of them empty');
    expect(problem).not.to.contain('tell-nobody');
  });

  it('refuses MIN_WORKERS above MAX_WORKERS', () => {
    const [problem] = problemsOf({ env: { MIN_WORKERS: '9' } });
    expect(problem)
      .to.contain('MIN_WORKERS (--min-workers) is 9')
      .and.to.contain('is 8')
      .and.to.contain('threads');
  });

  it('names bad values and bad combinations in the same message, each once', () => {
    const problems = problemsOf({
      env: { LOG_LEVEL: 'LOUD', MIN_WORKERS: '9', MAX_WORKERS: '2', ALLOWED_HOSTS: 'a b' },
      flags: { host: '0.0.0.0' },
    });
    expect(problems.map((problem) => problem.split(' ', 1)[0])).to.deep.equal([
      'ALLOWED_HOSTS',
      'LOG_LEVEL',
      'MIN_WORKERS',
      'API_KEY',
    ]);
    expect(problemsOf({ env: { MIN_WORKERS: '9', MAX_WORKERS: 'few' } })).to.have.length(1);
    expect(problemsOf({ flags: { host: ' ' } })).to.have.length(1);
  });

  it('refuses the published key off loopback and prints the corrected command', () => {
    const problems = problemsOf({ flags: { host: '0.0.0.0', port: '8000' } });
    expect(problems[0]).to.contain(
      'export API_KEY="$(openssl rand -hex 24)" && npx mcp-streaming-gateway --host 0.0.0.0 --allowed-hosts "$(hostname)"',
    );
    expect(problemsOf({ env: { API_KEY: 'mine,super-secret' }, flags: { host: '10.0.0.5' } })).to.have.length(
      1,
    );
  });

  it('accepts the published key on every loopback name', () => {
    for (const host of ['127.0.0.1', '127.1.2.3', 'localhost', '::1', '[::1]']) {
      expect(load({ flags: { host } }).config.host).to.equal(host);
    }
  });

  it('refuses keys below 16 characters off loopback, and prints none', () => {
    const flags = { host: '10.0.0.5' };
    for (const [keys, length] of [
      ['x', '1 character and'],
      [`${'k'.repeat(16)},fifteen-letters`, '15 characters and'],
    ] as const) {
      const [problem, ...others] = problemsOf({ env: { API_KEY: keys }, flags });
      expect(others).to.deep.equal([]);
      expect(problem).to.contain(
        `API_KEY has a key of ${length} HOST (--host) is "10.0.0.5"; expected keys of 16`,
      );
      expect(problem).to.contain('openssl rand').and.not.to.contain('fifteen-letters');
    }
    const metrics = { metricsHost: '0.0.0.0', metricsPort: '9090' };
    expect(problemsOf({ env: { API_KEY: 'x' }, flags: metrics })[0]).to.contain(
      'METRICS_HOST (--metrics-host) is "0.0.0.0"',
    );
    expect(problemsOf({ flags: metrics })[0]).to.contain('published');
    expect(load({ env: { API_KEY: 'x' } }).config.apiKeys).to.deep.equal(['x']);
    expect(load({ env: { API_KEY: 'k'.repeat(16) }, flags }).config.apiKeys).to.have.length(1);
  });

  it('holds the default key void where a file of keys is given, however it is given', () => {
    for (const name of ['apiKeyFile', 'keysFile'] as const) {
      expect(load({ flags: { [name]: 'keys' } }).config.apiKeys, name).to.deep.equal([]);
      expect(completeConfig({ [name]: 'keys' }).apiKeys, name).to.deep.equal([]);
    }
    expect(
      load({ env: { KEYS_FILE: 'keys', API_KEY_FILE: 'key', HOST: '10.0.0.5' } }).config.apiKeys,
    ).to.deep.equal([]);
    const both = load({ env: { KEYS_FILE: 'keys', API_KEY: 'mine' } }).config;
    expect(both.apiKeys).to.deep.equal(['mine']);
    expect(completeConfig(both).apiKeys).to.deep.equal(['mine']);
    expect(completeConfig(load({ env: { KEYS_FILE: 'keys' } }).config).apiKeys).to.deep.equal([]);
  });

  it('refuses API_KEY beside API_KEY_FILE, the published one too, and no key at all', () => {
    for (const key of ['my-very-own-key', 'super-secret']) {
      const problems = problemsOf({ env: { API_KEY: key, API_KEY_FILE: '/run/key' } });
      expect(problems).to.have.length(1);
      expect(problems[0]).to.contain('API_KEY is (hidden) and API_KEY_FILE (--api-key-file) is "/run/key"');
    }
    expect(() => checkListening(completeConfig({ apiKeys: [] }))).to.throw(ConfigError, 'API_KEY has no key');
  });

  it('refuses KEYS_FILE where no key counts', () => {
    expect(problemsOf({ env: { AUTH: 'off', KEYS_FILE: 'keys.json' } })[0]).to.contain(
      'AUTH (--no-auth) is off',
    );
  });

  it('takes names, addresses and ports in ALLOWED_HOSTS and no wildcard, which would let nobody in', () => {
    const good = 'gw.example,GW.example.:8443,a_b-c,10.0.0.5,10.0.0.5:80,::1,[::1],[fe80::1]:8000,localhost';
    expect(load({ env: { ALLOWED_HOSTS: good } }).config.allowedHosts).to.have.length(9);
    for (const bad of ['*', '*.example.com', 'a b', 'http://a', 'a/b', 'a:port', 'a?b', '-', '"a"']) {
      const [problem] = problemsOf({ flags: { allowedHosts: bad } });
      expect(problem, bad).to.contain(`ALLOWED_HOSTS (--allowed-hosts) is ${JSON.stringify(bad)}`);
    }
    for (const bad of ['*', 'https://*', 'https://*.example.com'])
      expect(problemsOf({ env: { CORS_ORIGINS: bad } })[0], bad).to.contain('CORS_ORIGINS');
  });

  it('refuses to listen without keys off loopback, and accepts it on loopback', () => {
    expect(problemsOf({ env: { AUTH: 'off', HOST: '10.0.0.5' } })[0]).to.contain('AUTH (--no-auth) is off');
    expect(load({ env: { AUTH: 'off' } }).config.auth).to.equal(false);
  });

  it('refuses a wildcard address without ALLOWED_HOSTS', () => {
    const env = { API_KEY: 'a-key-of-my-own-' };
    for (const host of ['0.0.0.0', '::']) {
      expect(problemsOf({ env, flags: { host } })[0]).to.contain('ALLOWED_HOSTS (--allowed-hosts) is empty');
    }
    expect(
      load({ env, flags: { host: '::', allowedHosts: 'gw.example' } }).config.allowedHosts,
    ).to.deep.equal(['gw.example']);
  });

  it('refuses a certificate without its key and a key without its certificate', () => {
    expect(problemsOf({ env: { TLS_CERT: 'cert.pem' } })[0]).to.contain('TLS_KEY is not set');
    expect(problemsOf({ env: { TLS_KEY: 'key.pem' } })[0]).to.contain('TLS_CERT is not set');
  });

  it('refuses an issuer without its audience and keys, and tokens where no key counts', () => {
    const url = 'https://issuer.example';
    expect(problemsOf({ env: { OAUTH_ISSUER: url } })[0]).to.contain(
      'OAUTH_AUDIENCE and OAUTH_JWKS_URI is not set',
    );
    const all = { OAUTH_ISSUER: url, OAUTH_AUDIENCE: url, OAUTH_JWKS_URI: url };
    expect(problemsOf({ env: { ...all, AUTH: 'off' } })[0]).to.contain('AUTH (--no-auth) is off');
    expect(load({ env: all }).config.oauthIssuer).to.equal(url);
  });

  it('leaves the rules of listening to gateways that listen', () => {
    expect(load({ listens: false, env: { HOST: '0.0.0.0' } }).config.host).to.equal('0.0.0.0');
  });
});

describe('completeConfig()', () => {
  it('adds the defaults to what code gives', () => {
    const config = completeConfig({ port: 0, requestTimeoutMs: 5 });
    expect(config).to.include({ port: 0, requestTimeoutMs: 5, maxWorkers: 8 });
    expect(Object.keys(config)).to.deep.equal(OPTION_LIST.map(([name]) => name));
  });

  it('refuses bad values by their field names', () => {
    expect(() => completeConfig({ port: -1, maxWorkers: 1 })).to.throw(ConfigError, 'port is -1; expected');
    expect(() => completeConfig({ maxWorkers: 1 })).to.throw(ConfigError, 'MAX_WORKERS');
    expect(() => completeConfig({ apiKeys: ['good', ''] })).to.throw(ConfigError, 'apiKeys is (hidden)');
  });
});

describe('expectsOneCaller()', () => {
  const expects = (env: Record<string, string>) => expectsOneCaller(load({ env }).config);

  it('is so with one key, and where nobody is told from another', () => {
    expect(expects({})).to.equal(true);
    expect(expects({ API_KEY: 'one' })).to.equal(true);
    expect(expects({ AUTH: 'off' })).to.equal(true);
  });

  it('is not so with several keys, files of them, access tokens, or hosts that run the calls of others', () => {
    expect(expects({ API_KEY: 'one,another' })).to.equal(false);
    expect(expects({ API_KEY_FILE: '/keys' })).to.equal(false);
    expect(expects({ API_KEY: 'one', KEYS_FILE: '/keys.json' })).to.equal(false);
    expect(expects({ API_KEY: 'one', REDIS_URL: 'redis://127.0.0.1' })).to.equal(false);
    const issuer = { OAUTH_ISSUER: 'https://id.example', OAUTH_AUDIENCE: 'https://mcp.example/mcp' };
    const oauth = { ...issuer, OAUTH_JWKS_URI: 'https://id.example/keys' };
    expect(expects({ API_KEY: 'one', ...oauth })).to.equal(false);
  });
});
