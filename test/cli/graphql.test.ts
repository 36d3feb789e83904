/** The start with `--graphql` where its package is not installed. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const BIN = fileURLToPath(new URL('../../bin/mcp-streaming-gateway.js', import.meta.url));

/** Makes the package one that nobody has installed. */
const HOOKS = `export async function resolve(specifier, context, next) {
  if (specifier !== 'graphql') return next(specifier, context);
  throw Object.assign(new Error("Cannot find package 'graphql'"), { code: 'ERR_MODULE_NOT_FOUND' });
}`;
const hooks = JSON.stringify(`data:text/javascript,${encodeURIComponent(HOOKS)}`);
const REGISTER = `import { register } from 'node:module'; register(${hooks});`;

describe('--graphql without its package', () => {
  it('stops the start, and says what to install', () => {
    const preload = `data:text/javascript,${encodeURIComponent(REGISTER)}`;
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', preload, BIN, '--port', '0', '--graphql'],
      {
        encoding: 'utf8',
        timeout: 50_000,
      },
    );
    expect(stderr).to.contain('needs the package "graphql", version 16.9 or a later 16; it is not installed');
    expect(stderr).to.contain('npm install graphql@16');
    expect(status).to.equal(1);
  });
});
