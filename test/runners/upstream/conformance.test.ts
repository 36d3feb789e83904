/** The conformance suite through a gateway onto the reference tools behind another: nothing is lost on the way. */
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';
import { runSuite } from '../../transports/mcp/run-suite.ts';
import { MountFolder } from './scripted-server.ts';

describe('a mounted server, through the gateway,', function () {
  this.timeout(240_000);
  const folder = new MountFolder();
  let inner: TestGateway;
  let outer: TestGateway;
  before(async () => {
    inner = await startGateway({ auth: false, builtIns: 'off', tools: [fixture('conformance')] });
    folder.write({ reference: { url: `${inner.url}/mcp`, prefix: false } });
    outer = await startGateway({ auth: false, builtIns: 'off', tools: [], mcpConfig: folder.file });
    await outer.gateway.settled();
  });
  after(async () => {
    await outer?.close();
    await inner?.close();
    folder.remove();
  });

  it('passes every check of 0.1.16, the pending scenarios included', async () => {
    const run = await runSuite('mcp-conformance-0.1.16', `${outer.url}/mcp`, '--suite', 'all');
    expect(run, run.output).to.deep.include({ failed: 0, exitCode: 0 });
    expect(run.passed).to.be.at.least(44);
  });

  it('passes every requirement of 2026-07-28, questions in both directions included', async () => {
    const run = await runSuite(
      '@modelcontextprotocol/conformance',
      `${outer.url}/mcp`,
      '--requirements',
      '2026-07-28',
    );
    expect(run, run.output).to.deep.include({ exitCode: 0 });
    expect(run.passed).to.be.at.least(190);
  });
});
