/** `GET /metrics`, on the gateway's socket and on a port of its own. */
import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { createGateway } from '../../../lib/index.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';
import { rawExchange } from '../raw-http.ts';

const KEY = { 'X-API-Key': 'super-secret' };

async function callTool(served: TestGateway, tool: string, args: object): Promise<void> {
  const response = await fetch(`${served.url}/tools/${tool}`, {
    method: 'POST',
    headers: { ...KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify({ arguments: args }),
  });
  await response.text();
}

/** The value of each sample, by its name and labels. */
function samplesOf(text: string): Map<string, number> {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

const metricsPortOf = ({ gateway }: TestGateway): number =>
  (gateway.stats()['transports'] as { prometheus: { port: number } }).prometheus.port;

describe('GET /metrics', () => {
  let served: TestGateway;
  const scraped = async (path = '/metrics') => (await fetch(served.url + path, { headers: KEY })).text();

  before(async () => {
    served = await startGateway({ metricsPort: 0 });
  });
  after(() => served.close());

  it('tells calls by tool, transport and outcome, errors by code, chunks and durations', async () => {
    await callTool(served, 'echo', { text: 'a' });
    await callTool(served, 'echo', { text: 5 });
    await callTool(served, 'count', { n: 7 });
    const samples = samplesOf(await scraped());
    const name = (metric: string, labels: string) => samples.get(`mcp_gateway_${metric}{${labels}}`);
    expect(name('calls_total', 'tool="echo",transport="http",outcome="success"')).to.equal(1);
    expect(name('calls_total', 'tool="echo",transport="http",outcome="error"')).to.equal(1);
    expect(name('errors_total', 'tool="echo",code="invalid_arguments"')).to.equal(1);
    expect(name('chunks_total', 'tool="count"')).to.equal(7);
    expect(name('call_duration_seconds_count', 'tool="echo"')).to.equal(2);
    expect(name('call_duration_seconds_bucket', 'tool="count",le="+Inf"')).to.equal(1);
    expect(name('queue_wait_seconds_count', 'runner="threads"')).to.be.at.least(2);
    expect(samples.get('mcp_gateway_calls_in_flight')).to.equal(0);
    expect(samples.get('mcp_gateway_breakers_open')).to.equal(0);
    for (const wanted of ['process_cpu_seconds_total', 'process_resident_memory_bytes'])
      expect(samples.get(wanted), wanted).to.be.above(0);
  });

  it('tells how many sessions MCP clients have', async () => {
    const sessions = async () =>
      samplesOf(await scraped()).get('mcp_gateway_sessions_open{kind="streamable_http"}');
    expect(await sessions()).to.equal(0);
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    };
    const response = await fetch(`${served.url}/mcp`, {
      method: 'POST',
      headers: {
        ...KEY,
        'Content-Type': 'application/json',
        Accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
    });
    await response.text();
    expect(await sessions()).to.equal(1);
  });

  it('tells how long the calls of MCP clients took, as OpenTelemetry’s conventions do', async () => {
    const call = (name: string, args: object) =>
      fetch(`${served.url}/mcp`, {
        method: 'POST',
        headers: {
          ...KEY,
          'Content-Type': 'application/json',
          Accept: 'application/json, text/event-stream',
          'MCP-Protocol-Version': '2026-07-28',
          'Mcp-Method': 'tools/call',
          'Mcp-Name': name,
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: {
            name,
            arguments: args,
            _meta: {
              'io.modelcontextprotocol/protocolVersion': '2026-07-28',
              'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
              'io.modelcontextprotocol/clientCapabilities': {},
            },
          },
        }),
      }).then((response) => response.text());
    await call('echo', { text: 'a' });
    await call('echo', { text: 5 });
    const samples = samplesOf(await scraped());
    const count = (error: string) =>
      samples.get(
        `mcp_server_operation_duration_seconds_count{mcp_method_name="tools/call",gen_ai_tool_name="echo",error_type="${error}",network_transport="tcp"}`,
      );
    expect([count(''), count('tool_error')]).to.deep.equal([1, 1]);
  });

  it('invents no label: unknown tools count together, and no key or address is told', async () => {
    const before = samplesOf(await scraped()).size;
    for (let n = 0; n < 5; n++) await served.gateway.call(`invented_${n}`, {}, { streams: false }).outcome();
    const text = await scraped();
    expect(samplesOf(text).get('mcp_gateway_errors_total{tool="_unknown",code="tool_not_found"}')).to.equal(
      5,
    );
    expect(samplesOf(text).size).to.be.at.most(before + 2);
    expect(text).to.not.match(/invented|super-secret|127\.0\.0\.1/);
  });

  it('is what Prometheus reads', async function () {
    const text = await scraped();
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    if (checked.error) {
      console.log('      promtool is not on the PATH (Debian: apt-get install prometheus)');
      this.skip();
    }
    expect([checked.status, checked.stderr]).to.deep.equal([0, '']);
  });

  it('needs a key, and says what it is', async () => {
    const refused = await fetch(`${served.url}/metrics`);
    expect([refused.status, ((await refused.json()) as { code: string }).code]).to.deep.equal([
      401,
      'unauthenticated',
    ]);
    const response = await fetch(`${served.url}/metrics`, {
      headers: { Authorization: 'Bearer super-secret' },
    });
    expect(response.headers.get('content-type')).to.equal('text/plain; version=0.0.4; charset=utf-8');
    await response.text();
  });

  it('is on a port of its own without a key, for loopback names alone, and nothing else is', async () => {
    const port = metricsPortOf(served);
    const ask = (path: string, host = 'localhost', method = 'GET') =>
      rawExchange(
        port,
        `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        () => false,
      );
    expect(await ask('/metrics')).to.match(/^HTTP\/1.1 200 [\s\S]*mcp_gateway_build_info/);
    expect(await ask('/metrics', 'evil.example')).to.match(/^HTTP\/1.1 403 /);
    expect(await ask('/stats')).to.match(/^HTTP\/1.1 404 /);
    expect(await ask('/metrics', 'localhost', 'POST')).to.match(/^HTTP\/1.1 405 /);
    expect(await ask('/metrics/')).to.match(/^HTTP\/1.1 200 /);
    expect(await ask('http://localhost/metrics', 'evil.example')).to.match(/^HTTP\/1.1 200 /);
    expect(await ask('http://evil.example/metrics')).to.match(/^HTTP\/1.1 403 /);
    const second = await createGateway({
      port: 0,
      metricsPort: port,
      minWorkers: 1,
      tools: [fixture('basic-tools')],
    });
    const taken = await second.listen().catch((error) => error);
    await second.close();
    expect(taken).to.have.property('code', 'EADDRINUSE');
    expect(taken.message).to.contain(`choose another with --metrics-port ${port + 1} (METRICS_PORT)`);
  });
});

describe('the options of the metrics', () => {
  it('switch them off', async () => {
    const served = await startGateway({ metrics: false });
    try {
      const response = await fetch(`${served.url}/metrics`, { headers: KEY });
      expect([response.status, ((await response.json()) as { code: string }).code]).to.deep.equal([
        404,
        'not_found',
      ]);
    } finally {
      await served.close();
    }
  });

  it('ask for a key where the port is not on loopback', async () => {
    const served = await startGateway({
      metricsPort: 0,
      metricsHost: '0.0.0.0',
      apiKeys: ['a-key-of-its-own'],
    });
    try {
      const ask = (header: string) =>
        rawExchange(
          metricsPortOf(served),
          `GET /metrics HTTP/1.1\r\nHost: localhost\r\n${header}Connection: close\r\n\r\n`,
          () => false,
        );
      expect(await ask('')).to.match(/^HTTP\/1.1 401 [\s\S]*WWW-Authenticate/);
      expect(await ask('X-API-Key: super-secret\r\n')).to.match(/^HTTP\/1.1 401 /);
      expect(await ask('X-API-Key: a-key-of-its-own\r\n')).to.match(/^HTTP\/1.1 200 /);
    } finally {
      await served.close();
    }
  });
});
