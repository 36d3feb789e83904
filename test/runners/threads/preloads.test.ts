import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import {
  optionsWithoutPreloads,
  withoutPreloads,
} from '../../../lib/runners/threads/environment/preloads.ts';
import { threadFlags } from '../../../lib/runners/threads/piscina/thread-flags.ts';

const SDK = 'data:text/javascript,globalThis.sdkStarted=1';
const BIN = fileURLToPath(new URL('../../../bin/mcp-streaming-gateway.js', import.meta.url));
const TOOLS = fileURLToPath(new URL('../../fixtures/tracing-tools.js', import.meta.url));
const run = promisify(execFile);

describe('what a process preloads', () => {
  it('stays there, but for what runs TypeScript', () => {
    const tsx = [
      '--require',
      '/x/node_modules/tsx/dist/preflight.cjs',
      '--import',
      'file:///x/node_modules/tsx/dist/loader.mjs',
    ];
    expect(withoutPreloads(tsx)).to.equal(undefined);
    expect(withoutPreloads(['--enable-source-maps', '--max-old-space-size=500'])).to.equal(undefined);
    for (const sdk of [
      ['--import', SDK],
      [`--import=${SDK}`],
      ['-r', './tracing.cjs'],
      ['--loader', '/tsx/otel.mjs'],
    ])
      expect(withoutPreloads([...tsx, ...sdk, '--no-warnings'])?.flat()).to.deep.equal([
        ...tsx,
        '--no-warnings',
      ]);
    expect(withoutPreloads(['--import', 'tsx', '--import=tsx/esm', '--import', SDK])?.flat()).to.deep.equal([
      '--import',
      'tsx',
      '--import=tsx/esm',
    ]);
    expect(withoutPreloads(['--import', 'C:\\a\\node_modules\\tsx\\dist\\loader.mjs'])).to.equal(undefined);
  });

  it('stays out of NODE_OPTIONS too', () => {
    const text = '--no-warnings --import "./a file.mjs" --import=tsx --title="a \\"b"';
    expect(optionsWithoutPreloads(text)).to.equal('--no-warnings --import=tsx "--title=a \\"b"');
    expect(optionsWithoutPreloads('--enable-source-maps  -C dev')).to.equal('--enable-source-maps  -C dev');
  });

  it('leaves threads the flags that Node takes for them', () => {
    const host = {
      versions: process.versions,
      env: {},
      allowedNodeEnvironmentFlags: new Set<string>(),
      execArgv: ['--max-old-space-size=500', '--no-warnings', '--import', SDK],
    };
    expect(threadFlags(host)).to.deep.equal({ execArgv: ['--no-warnings'] });
  });

  for (const tool of ['on_thread', 'in_child']) {
    it(`never reaches the tools, by a flag or by NODE_OPTIONS (${tool})`, async () => {
      const command = ['--import', SDK, BIN, 'call', tool, '{}', '--tools', TOOLS];
      const env = { ...process.env, NODE_OPTIONS: `--import ${SDK}` };
      const { stdout } = await run(process.execPath, command, { env });
      const { data } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
      expect(data.hasSdk).to.equal(false);
      expect(data.execArgv.join(' ')).not.to.include('sdkStarted');
    });
  }
});
