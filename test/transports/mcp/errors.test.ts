import { expect } from 'chai';
import { type StartedMcp, startMcp } from './start-mcp.ts';
import { WireClient } from './wire-client.ts';

describe('errors at /mcp', () => {
  let mcp: StartedMcp;
  let client: WireClient;
  before(async () => {
    mcp = await startMcp({
      modules: ['basic-tools', 'faulty-tools'],
      pool: { maxThreads: 1, queueLimit: 1 },
    });
    client = new WireClient(mcp.url);
  });
  after(() => mcp.close());

  const misbehave = (how: string) =>
    client.stateless('tools/call', { name: 'misbehave', arguments: { how } }).done;

  const ends: Record<string, [string, boolean]> = {
    'throw-error': ['tool_failed', false],
    'throw-null': ['tool_failed', false],
    'throw-tool-error': ['not_found', false],
    'return-bigint': ['result_not_serializable', false],
    'return-large': ['result_too_large', false],
    exit: ['worker_crashed', false],
  };
  for (const [how, [code, retryable]] of Object.entries(ends)) {
    it(`tells ${how} as an isError result with the code ${code}`, async () => {
      const { status, last } = await misbehave(how);
      expect(status).to.equal(200);
      expect(last?.result).to.include({ isError: true, resultType: 'complete' });
      const error = last?.result?.['_meta']?.['io.github.mcp-streaming-gateway/error'];
      expect(error).to.include({ code, retryable });
      expect(JSON.stringify(last)).not.to.match(/secret|\/etc|\.js:/);
    });
  }

  it('names each wrong argument to the model', async () => {
    const { last } = await client.stateless('tools/call', { name: 'count', arguments: { n: 'x' } }).done;
    expect(last?.result?.['content']?.[0]?.['text']).to.match(/^[\s\S]+\n- n: /);
  });

  it('answers a call beyond the queue with HTTP 503, 1503 and Retry-After', async () => {
    const running = Array.from({ length: 2 }, () =>
      client.stateless('tools/call', { name: 'wait_alone', arguments: { ms: 60_000 } }),
    );
    while (mcp.dispatcher.callsInFlight < 2) await new Promise(setImmediate);
    const { status, headers, last } = await client.stateless('tools/call', {
      name: 'wait_alone',
      arguments: { ms: 1 },
    }).done;
    expect([status, last?.error?.code, last?.error?.data?.['code']]).to.deep.equal([503, 1503, 'overloaded']);
    expect(headers['retry-after']).to.match(/^\d+$/);
    for (const exchange of running) exchange.leave();
    while (mcp.dispatcher.callsInFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  it('answers 503 while the gateway drains', async () => {
    const draining = mcp.dispatcher.drain(0);
    const { status, last } = await client.stateless('tools/call', { name: 'echo', arguments: { text: 'a' } })
      .done;
    await draining;
    expect([status, last?.error?.data?.['code']]).to.deep.equal([503, 'unavailable']);
  });
});
