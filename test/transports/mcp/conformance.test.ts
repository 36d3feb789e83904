import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';

const require = createRequire(import.meta.url);
const shim = new URL('./fs-glob-shim.js', import.meta.url).href;

/** Runs a suite of the official conformance package against `url`. */
async function runSuite(packageName: string, url: string, ...options: string[]) {
  const suite = join(dirname(require.resolve(`${packageName}/package.json`)), 'dist', 'index.js');
  const child = spawn(process.execPath, ['--import', shim, suite, 'server', '--url', url, ...options]);
  const [output, errors, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on('close', resolve)),
  ]);
  const [, passed, failed] = /Total: (\d+) passed, (\d+) failed/.exec(output) ?? [];
  return { passed: Number(passed), failed: Number(failed), exitCode, output: output + errors };
}

describe('the MCP conformance suites', function () {
  this.timeout(120_000);
  let gateway: TestGateway;
  let url: string;
  before(async () => {
    gateway = await startGateway({ auth: false, tools: [fixture('conformance')] });
    url = `${gateway.url}/mcp`;
  });
  after(() => gateway.close());

  it('0.1.13 passes 40 of 40 active checks', async () => {
    const run = await runSuite('mcp-conformance-0.1.13', url);
    expect(run, run.output).to.deep.include({ passed: 40, failed: 0, exitCode: 0 });
  });

  it('0.1.16 passes every check, the pending scenarios included', async () => {
    const run = await runSuite('mcp-conformance-0.1.16', url, '--suite', 'all');
    expect(run, run.output).to.deep.include({ failed: 0, exitCode: 0 });
    expect(run.passed).to.be.at.least(44);
  });

  it('0.2.0-alpha.12 passes the requirements of 2025-11-25', async () => {
    const run = await runSuite('@modelcontextprotocol/conformance', url, '--requirements', '2025-11-25');
    expect(run, run.output).to.deep.include({ failed: 0, exitCode: 0 });
    expect(run.passed).to.be.at.least(84);
  });

  it('0.2.0-alpha.12 passes the requirements of 2026-07-28, extensions included', async () => {
    const run = await runSuite('@modelcontextprotocol/conformance', url, '--requirements', '2026-07-28');
    expect(run, run.output).to.deep.include({ failed: 0, exitCode: 0 });
    expect(run.output.match(/^✗ .*$/gm) ?? []).to.deep.equal([]);
    const clean = run.output.match(/^✓ .*: \d+ passed, 0 failed/gm) ?? [];
    expect(clean.filter((line) => line.includes('tasks-')).length).to.be.at.least(9);
    expect(clean.length).to.be.at.least(46);
  });
});
