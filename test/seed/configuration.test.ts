/** The configuration and starting examples of the architecture document. */
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { KEY, runCommand, startGatewayProcess } from '../support/gateway-process.ts';

describe('configuration examples of the architecture document', function () {
  this.timeout(60_000);

  it('starts 4 to 16 workers and logs everything with the printed variables', async () => {
    const gateway = await startGatewayProcess({
      env: { MIN_WORKERS: '4', MAX_WORKERS: '16', LOG_LEVEL: 'DEBUG' },
    });
    const workers = async () => JSON.parse(await (await fetch(`${gateway.url}/health`)).text()).workers;
    expect(await workers()).to.include({ min: 4, max: 16 });
    await eventually(async () => (await workers()).alive >= 4, { what: 'four workers' });
    expect(await gateway.end()).to.equal(0);
  });

  it('takes MCP_REQUEST_TIMEOUT in seconds and API_KEY as the key', async () => {
    const gateway = await startGatewayProcess({ env: { MCP_REQUEST_TIMEOUT: '0.5', API_KEY: 'other' } });
    const call = (key: string) =>
      fetch(`${gateway.url}/tools/primes_tool`, {
        method: 'POST',
        headers: { 'X-API-Key': key, 'Content-Type': 'application/json' },
        body: JSON.stringify({ arguments: { from: 0, to: 2 ** 32 } }),
      });
    expect((await call(KEY)).status).to.equal(401);
    const late = await call('other');
    expect(late.status).to.equal(504);
    expect(JSON.parse(await late.text()).code).to.equal('deadline_exceeded');
    expect(await gateway.end()).to.equal(0);
  });

  it('refuses to listen everywhere with the published key, and prints the command that works', async () => {
    const { code, stdout, stderr } = await runCommand(['--host', '0.0.0.0', '--port', '8000']);
    expect(code).to.equal(2);
    expect(stdout).to.equal('');
    expect(stderr)
      .to.contain('super-secret')
      .and.match(/API_KEY=\S+.* mcp-streaming-gateway --host 0\.0\.0\.0/);
  });

  it('starts with --reload', async () => {
    const gateway = await startGatewayProcess({ args: ['--reload'] });
    expect((await fetch(`${gateway.url}/health`)).status).to.equal(200);
    expect(await gateway.end()).to.equal(0);
  });
});
