/** A Prometheus server scrapes the gateway. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

describe('a Prometheus server', () => {
  let served: TestGateway;
  let folder: string;
  let server: ChildProcess | undefined;
  let url: string;

  /** The value of the first series that a query gives. */
  const firstValue = async (query: string): Promise<number | undefined> => {
    const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`).catch(() => null);
    if (!response?.ok) return undefined;
    const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
    return data.result[0] === undefined ? undefined : Number(data.result[0].value[1]);
  };

  before(async function () {
    if (spawnSync('prometheus', ['--version']).error) {
      console.log('      prometheus is not on the PATH (Debian: apt-get install prometheus)');
      this.skip();
    }
    served = await startGateway();
    folder = mkdtempSync(join(tmpdir(), 'prometheus-test-'));
    writeFileSync(join(folder, 'key'), 'super-secret');
    writeFileSync(
      join(folder, 'prometheus.yml'),
      `scrape_configs:
  - job_name: gateway
    scrape_interval: 1s
    scrape_timeout: 1s
    authorization:
      credentials_file: ${join(folder, 'key')}
    static_configs:
      - targets: ['127.0.0.1:${served.port}']
`,
    );
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const flags = [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    server = spawn('prometheus', flags, { stdio: 'ignore' });
  });

  after(async () => {
    if (!server) return;
    server.kill('SIGKILL');
    await once(server, 'exit');
    await served.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('reads the figures by the key in a file, and counts what was called', async function () {
    this.timeout(90_000);
    await served.gateway.call('echo', { text: 'a' }, { streams: false }).outcome();
    await eventually(async () => (await firstValue('up{job="gateway"}')) === 1);
    const calls = 'sum(mcp_gateway_calls_total{tool="echo",outcome="success"})';
    await eventually(async () => (await firstValue(calls)) === 1);
    const median = 'histogram_quantile(0.5, mcp_gateway_call_duration_seconds_bucket{tool="echo"})';
    expect(await firstValue(median)).to.be.within(0, 60);
  });
});
