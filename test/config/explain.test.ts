/** What people are told of the options. */
import { expect } from 'chai';
import { explainConfig, flags } from '../../lib/config/explain.ts';
import { loadConfig } from '../../lib/config/load.ts';
import { OPTION_LIST } from '../../lib/config/options.ts';
import { optionTable } from '../readme/generated-tables.ts';

describe('explainConfig()', () => {
  const loaded = loadConfig({
    env: { API_KEY: 'my-own-key', MCP_REQUEST_TIMEOUT: '1.5', XDG_DATA_HOME: '/data' },
    flags: { maxBodyBytes: '65536', tools: ['a.js', 'b.js'] },
    listens: true,
  });

  it('prints each value with its origin, in the form that sets it', () => {
    const lines = explainConfig(loaded).split('\n');
    expect(lines.map((line) => line.replace(/ +#/, ' #'))).to.include.members([
      'MCP_REQUEST_TIMEOUT=1.5 # environment',
      'MAX_BODY_BYTES=64KiB # flag',
      'TOOLS=a.js,b.js # flag',
      'DATA_DIR=/data/mcp-streaming-gateway # default',
      'AUTH=on # default',
    ]);
    expect(lines).to.have.length(OPTION_LIST.length);
  });

  it('masks the keys', () => {
    expect(explainConfig(loaded)).to.contain('API_KEY=********').and.not.to.contain('my-own-key');
  });

  it('prints settings that give the same configuration when they are set', () => {
    const env = Object.fromEntries(
      explainConfig(loaded)
        .split('\n')
        .map((line) => line.replace(/ +#.*$/, '').split(/=(.*)/s, 2) as [string, string])
        .filter(([name]) => name !== 'API_KEY'),
    );
    const again = loadConfig({ env: { ...env, API_KEY: 'my-own-key' }, flags: {}, listens: true });
    expect(again.config).to.deep.equal(loaded.config);
  });
});

/** Flags whose variables say more, beside the variables of others. */
const SHORT: Readonly<Record<string, string>> = {
  MCP_REQUEST_TIMEOUT: 'REQUEST_TIMEOUT',
  MCP_CONFIG: 'CONFIG',
};

describe('flags()', () => {
  it('names each flag after its variable in kebab-case, and gives secrets none', () => {
    for (const [, { env, flag }] of OPTION_LIST) {
      const name = SHORT[env] ?? env;
      const isSecret = ['API_KEY', 'MCP_COMMAND', 'REDIS_URL', 'JOURNEYS_URL'].includes(env);
      expect(flag).to.equal(isSecret ? undefined : `--${name.toLowerCase().replaceAll('_', '-')}`);
    }
  });

  it('tells the variable, the default and its unit', () => {
    const heap = flags().find(({ option }) => option === 'workerHeapMb');
    expect(heap?.syntax).to.equal('--worker-heap-mb <n>');
    expect(heap?.description).to.match(/\[WORKER_HEAP_MB: 256 MiB\]$/);
  });
});

describe('optionTable()', () => {
  it('has one row for each option', () => {
    const rows = optionTable().split('\n').slice(2);
    expect(rows.map((row) => row.split(' | ')[0])).to.deep.equal(
      OPTION_LIST.map(([, { env }]) => `| \`${env}\``),
    );
  });
});
