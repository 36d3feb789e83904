/** What a gateway does in code, beside its transports. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { createGateway, type Gateway, type ToolError } from '../lib/index.ts';
import { eventually } from './support/eventually.ts';

describe('Gateway', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'gateway-test-'));
  let gateway: Gateway;
  afterEach(async () => {
    await gateway.close({ drainMs: 0 });
    rmSync(dataDir, { recursive: true, force: true });
  });

  const start = async () => {
    gateway = await createGateway({ port: 0, dataDir, minWorkers: 1, logLevel: 'ERROR' });
  };
  const refusal = (): Promise<unknown> => gateway.listen().then(String, (error: ToolError) => error.code);

  it('listens when asked again after its port was taken, but not twice, nor once it is closed', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    gateway = await createGateway({ port, dataDir, minWorkers: 1, logLevel: 'ERROR' });
    expect(await refusal()).to.equal('EADDRINUSE');
    taken.close();
    await once(taken, 'close');
    const { url } = await gateway.listen();
    expect((await fetch(`${url}/health`)).status).to.equal(200);
    expect(await refusal()).to.equal('failed_precondition');
    await gateway.close({ drainMs: 0 });
    expect(await refusal()).to.equal('unavailable');
  });

  it('refuses the second of two listen() at once, and leaves nothing open when it is closed meanwhile', async () => {
    await start();
    const listening = gateway.listen();
    expect(await refusal()).to.equal('failed_precondition');
    const closed = gateway.close({ drainMs: 0 });
    const { url } = await listening;
    await closed;
    expect(await fetch(`${url}/health`).then(String, ({ cause }) => cause.code)).to.equal('ECONNREFUSED');
  });

  it('serves a client on a pair of streams until it is closed, and none after that', async () => {
    await start();
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const served = gateway.connect({ stdin, stdout });
    stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    const [answer] = await once(stdout, 'data');
    expect(JSON.parse(String(answer))).to.deep.equal({ jsonrpc: '2.0', id: 1, result: {} });
    await gateway.close({ drainMs: 0 });
    await served;
    const refused = await gateway.connect({ stdin, stdout }).then(String, ({ code }: ToolError) => code);
    expect(refused).to.equal('unavailable');
  });

  it('knows what a printed call and a call from code came through', async () => {
    await start();
    const call = gateway.call('primes_tool', { to: 10 });
    expect(call.request.caller).to.deep.equal({ keyId: 'local', transport: 'cli' });
    await call.outcome();
  });

  for (const [what, options, replaced] of [
    ['one key alone is to call', { apiKeys: ['first-key'], makesCalls: false }, 1],
    ['it makes calls itself', { apiKeys: ['first-key'] }, 0],
    ['there are two keys', { apiKeys: ['first-key', 'second-key'], makesCalls: false }, 0],
  ] as const)
    it(`replaces its thread ${replaced} times when it is called from code after a key, where ${what}`, async () => {
      gateway = await createGateway({
        ...{ port: 0, dataDir, minWorkers: 1, maxWorkers: 1, logLevel: 'ERROR' as const },
        ...options,
      });
      const { url } = await gateway.listen();
      const headers = { 'X-API-Key': 'first-key', 'Content-Type': 'application/json' };
      const body = '{"arguments":{"to":10}}';
      const answer = await fetch(`${url}/tools/primes_tool`, { method: 'POST', headers, body });
      expect(answer.status).to.equal(200);
      expect(await gateway.call('primes_tool', { to: 10 }).outcome()).to.include({ type: 'result' });
      const restarts = () => (gateway.stats()['pool'] as { restarts: number }).restarts;
      await eventually(() => restarts() === replaced, { what: 'threads for several callers' });
    });

  it('leaves nothing on the stream that it printed a call to', async () => {
    await start();
    const output = new PassThrough({ highWaterMark: 1 }).resume();
    const listenersOf = () => ['drain', 'error'].map((event) => output.listenerCount(event));
    const before = listenersOf();
    const end = await gateway.print(gateway.call('primes_tool', { to: 10 }), { output });
    expect(end.type).to.equal('result');
    await eventually(() => `${listenersOf()}` === `${before}`, { what: 'a stream as it was' });
  });
});

describe('Gateway.call()', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'gateway-test-'));
  let gateway: Gateway;
  before(async () => {
    gateway = await createGateway({ dataDir, minWorkers: 1, logLevel: 'ERROR' });
  });
  after(async () => {
    await gateway.close({ drainMs: 0 });
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('refuses arguments that no thread can be sent, and goes on', async () => {
    const end = await gateway.call('primes_tool', { to: () => 10 }).outcome();
    expect(end).to.have.nested.property('error.code', 'invalid_arguments');
    expect(await gateway.call('primes_tool', { to: 10 }).outcome()).to.include({ type: 'result' });
  });

  it('runs with the arguments as they were when it was called', async () => {
    const args = { to: 10 };
    const running = gateway.call('primes_tool', args);
    args.to = -1;
    expect(await running.outcome()).to.include({ type: 'result' });
  });
});
