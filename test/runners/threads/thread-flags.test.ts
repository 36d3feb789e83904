/** The flags that threads run with. */
import { expect } from 'chai';
import { threadFlags } from '../../../lib/runners/threads/piscina/thread-flags.ts';

const flag = '--experimental-async-context-frame';
const host = (node: string, more: object = {}) => ({
  versions: { ...process.versions, node },
  execArgv: [] as string[],
  env: {},
  allowedNodeEnvironmentFlags: new Set([flag]),
  ...more,
});

describe('threadFlags()', () => {
  it('gives threads of Node 22 the context frames that later versions have anyway', () => {
    expect(threadFlags(host('22.23.3'))).to.deep.equal({ execArgv: [flag] });
    for (const node of ['20.20.2', '24.21.0', '26.10.0']) expect(threadFlags(host(node))).to.deep.equal({});
  });

  it('lets threads inherit where the version does not know the flag or the process has flags of its own', () => {
    for (const more of [
      { allowedNodeEnvironmentFlags: new Set<string>() },
      { execArgv: ['--max-old-space-size=500'] },
      { env: { NODE_OPTIONS: '--enable-source-maps' } },
    ]) {
      expect(threadFlags(host('22.23.3', more))).to.deep.equal({});
    }
  });
});
