import { expect } from 'chai';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';
import { runSuite } from './run-suite.ts';

describe('the MCP conformance suites', function () {
  this.timeout(300_000);
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
