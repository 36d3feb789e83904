/** gRPC as the gateway starts, changes and stops: ports and TLS, reload, keys that are taken away, the drain. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { expect } from 'chai';
import { createGateway } from '../../../lib/index.ts';
import { eventually } from '../../support/eventually.ts';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from '../loopback-certificate.ts';
import {
  type Any,
  detailOf,
  events,
  grpcClient,
  keyMetadata,
  PROTO_OPTIONS,
  refusal,
  unary,
} from './grpc-js-client.ts';

const FEW = { minWorkers: 1, maxWorkers: 1 };
const HEALTH = fileURLToPath(new URL('../../../../lib/transports/grpc/health.proto', import.meta.url));
const echo = (text: string) => ({ tool: 'echo', arguments: JSON.stringify({ text }) });
const portOf = ({ gateway }: TestGateway): number => (gateway.stats() as Any).transports.grpc.port;

/** What goes wrong on a stream, once it has ended. */
const failureOf = (stream: Any): Promise<Any> => refusal(events(stream));

describe('gRPC with TLS, and on a port of its own', () => {
  let folder: string;
  let tls: { tlsCert: string; tlsKey: string };
  const secure = credentials.createSsl(Buffer.from(LOOPBACK_CERTIFICATE));

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'grpc-tls-'));
    tls = { tlsCert: join(folder, 'cert.pem'), tlsKey: join(folder, 'key.pem') };
    writeFileSync(tls.tlsCert, LOOPBACK_CERTIFICATE);
    writeFileSync(tls.tlsKey, LOOPBACK_KEY);
  });
  after(() => rmSync(folder, { recursive: true }));

  /** The protocol that is agreed on; undefined where none is, or the handshake fails for it. */
  const agreed = async (port: number, ...ALPNProtocols: string[]): Promise<string | undefined> => {
    const socket = tlsConnect({ port, ca: LOOPBACK_CERTIFICATE, ALPNProtocols });
    try {
      await once(socket, 'secureConnect');
      return socket.alpnProtocol || undefined;
    } catch {
      return undefined;
    } finally {
      socket.destroy();
    }
  };

  it('is chosen by ALPN where only it is offered', async () => {
    const gateway = await startGateway({ grpc: true, ...tls, ...FEW });
    const client = grpcClient(`localhost:${gateway.port}`, {}, secure);
    try {
      const answer = await unary(client, 'Call', echo('tls'));
      expect(JSON.parse(answer.json)).to.deep.equal({ text: 'tls' });
      expect(await agreed(gateway.port, 'h2', 'http/1.1')).to.equal('http/1.1');
      expect(await agreed(gateway.port, 'h2')).to.equal('h2');
      expect(await agreed(gateway.port, 'http/1.1')).to.equal('http/1.1');
    } finally {
      client.close();
      await gateway.close();
    }
  });

  it('speaks TLS on GRPC_PORT too, and there HTTP/2 alone', async () => {
    const gateway = await startGateway({ grpcPort: 0, ...tls, ...FEW });
    const port = portOf(gateway);
    const client = grpcClient(`localhost:${port}`, {}, secure);
    try {
      const answer = await unary(client, 'Call', echo('own'));
      expect(JSON.parse(answer.json)).to.deep.equal({ text: 'own' });
      expect(await agreed(port, 'h2', 'http/1.1')).to.equal('h2');
      expect(await agreed(port, 'http/1.1')).to.equal(undefined);
      expect(await agreed(gateway.port, 'h2')).to.equal(undefined);
      const plain = grpcClient(`localhost:${port}`);
      expect((await refusal(unary(plain, 'Call', echo('plain')))).code).to.equal(14);
      plain.close();
    } finally {
      client.close();
      await gateway.close();
    }
  });

  it('listens on GRPC_PORT, and then on no other', async () => {
    const gateway = await startGateway({ grpcPort: 0, ...FEW });
    const client = grpcClient(`127.0.0.1:${portOf(gateway)}`);
    try {
      const answer = await unary(client, 'Call', echo('own'));
      expect(JSON.parse(answer.json)).to.deep.equal({ text: 'own' });
      const session = connect(gateway.url);
      const outcome = await new Promise((resolve) => {
        session.on('error', () => resolve('refused')).on('remoteSettings', () => resolve('served'));
      });
      expect(outcome).to.equal('refused');
      session.destroy();
    } finally {
      client.close();
      await gateway.close();
    }
  });

  it('says which flag names a port that is in use, and leaves nothing open', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const gateway = await createGateway({ port: 0, grpcPort: port, ...FEW });
    const failed = await gateway.listen().then(
      () => expect.fail('it started'),
      (error: NodeJS.ErrnoException) => error,
    );
    await gateway.close();
    expect(failed.code).to.equal('EADDRINUSE');
    expect(failed.message).to.match(/^port \d+ on 127\.0\.0\.1 is in use .*--grpc-port \d+ \(GRPC_PORT\)$/);
    other.close();
  });
});

describe('gRPC while the gateway changes', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'grpc-life-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('tells of a change of the tools to who watches', async () => {
    const module = join(folder, 'tools.mjs');
    const write = (name: string) =>
      writeFileSync(
        module,
        `import { defineTool } from 'mcp-streaming-gateway';
        import { z } from 'zod';
        export default defineTool({
          name: '${name}', description: 'Is there.', input: z.object({}), run: async () => 1,
        });`,
      );
    write('before');
    const gateway = await startGateway({ grpc: true, ...FEW, builtIns: 'off', tools: [module] });
    const client = grpcClient(`127.0.0.1:${gateway.port}`);
    try {
      const watch = client.WatchTools({}, keyMetadata());
      const lists: string[][] = [];
      for await (const { tools } of watch) {
        lists.push(tools.map(({ name }: Any) => name));
        if (lists.length === 2) break;
        write('after');
        await gateway.gateway.reload();
      }
      expect(lists).to.deep.equal([['before'], ['after']]);
    } finally {
      client.close();
      await gateway.close();
    }
  });

  it('ends what a key has open when it is taken away, and tells a watcher what it may still use', async () => {
    const keysFile = join(folder, 'keys.json');
    const entry = (name: string, more: object = {}) => ({
      name,
      sha256: createHash('sha256').update(`key of ${name}`).digest('hex'),
      ...more,
    });
    const write = (...keys: object[]) => {
      writeFileSync(`${keysFile}.next`, JSON.stringify({ keys }));
      renameSync(`${keysFile}.next`, keysFile);
    };
    write(entry('one'), entry('two', { tools: ['echo'] }));
    const gateway = await startGateway({ grpc: true, keysFile, ...FEW });
    const client = grpcClient(`127.0.0.1:${gateway.port}`);
    const [one, two] = [keyMetadata('key of one'), keyMetadata('key of two')];
    try {
      expect((await unary(client, 'ListTools', {}, two)).tools.map(({ name }: Any) => name)).to.deep.equal([
        'echo',
      ]);
      const hidden = await refusal(unary(client, 'Call', { tool: 'count', arguments: '{"n":1}' }, two));
      expect([hidden.code, hidden.details]).to.deep.equal([
        5,
        'there is no tool "count"; the tools are: echo',
      ]);

      const lists: number[] = [];
      const watch = client.WatchTools({}, two);
      watch.on('data', ({ tools }: Any) => lists.push(tools.length)).on('error', () => {});
      await eventually(() => lists.length === 1);
      const stream = client.CallStream({ tool: 'count', arguments: '{"n":1000000,"delayMs":5}' }, one);
      const session = client.CallSession(one);
      session.write({ id: 'a', call: { tool: 'wait', arguments: '{"ms":60000}' } });
      const waiting = refusal(unary(client, 'Call', { tool: 'wait', arguments: '{"ms":60000}' }, one));
      const ends = Promise.all([failureOf(stream), failureOf(session), waiting]);
      await eventually(() => {
        const { wait, count } = (gateway.gateway.stats() as Any).tools;
        return wait?.inFlight === 2 && count?.inFlight === 1;
      });
      write(entry('two', { tools: ['echo', 'count'] }));
      expect((await ends).map(({ code, details }) => [code, details])).to.deep.equal([
        [1, 'the API key of the call was taken away'],
        [16, 'the API key was taken away'],
        [1, 'the API key of the call was taken away'],
      ]);
      await eventually(() => lists.at(-1) === 2);
      watch.cancel();
      const late = await refusal(unary(client, 'Call', echo('x'), one));
      expect([late.code, detailOf(late).code]).to.deep.equal([16, 'unauthenticated']);
      await eventually(() => {
        const { wait, count } = (gateway.gateway.stats() as Any).tools;
        return wait.inFlight === 0 && count.inFlight === 0;
      });
    } finally {
      client.close();
      await gateway.close();
    }
  });
});

describe('gRPC at the end of the gateway', () => {
  const client = (port: number) => grpcClient(`127.0.0.1:${port}`);

  it('lets calls end after SIGTERM, refuses new ones, says NOT_SERVING, and exits with 0', async () => {
    const gateway = await startGatewayProcess({
      args: ['--grpc', '--tools', fixture('basic-tools')],
    });
    const { grpc } = loadPackageDefinition(loadSync(HEALTH, { ...PROTO_OPTIONS, enums: String })) as Any;
    const health = new grpc.health.v1.Health(`127.0.0.1:${gateway.port}`, credentials.createInsecure());
    const rpc = client(gateway.port);
    const states: string[] = [];
    const watch = health.Watch({ service: '' }, new Metadata());
    watch.on('data', ({ status }: Any) => states.push(status)).on('error', () => {});
    await eventually(() => states.length === 1);
    const stream = rpc.CallStream({ tool: 'count', arguments: '{"n":300,"delayMs":10}' }, keyMetadata());
    const told: Any[] = [];
    stream.on('data', (event: Any) => told.push(event));
    const ended = once(stream, 'status');
    await eventually(() => told.length > 1);
    const exit = gateway.end('SIGTERM');
    await eventually(() => states.length === 2);
    expect(states).to.deep.equal(['SERVING', 'NOT_SERVING']);
    const late = await refusal(unary(rpc, 'Call', echo('late')));
    expect(late.code).to.equal(14);
    const [status] = await ended;
    expect([status.code, told.at(-1).event]).to.deep.equal([0, 'result']);
    expect(await exit).to.equal(0);
    rpc.close();
    health.close();
  });

  it('tells a call that the end cuts off ABORTED where its tool has begun, else UNAVAILABLE', async () => {
    const gateway = await startGateway({ grpc: true, ...FEW, drainTimeoutMs: 100 });
    const rpc = client(gateway.port);
    const stream = rpc.CallStream({ tool: 'count', arguments: '{"n":100000,"delayMs":10}' }, keyMetadata());
    const streamed = failureOf(stream);
    await eventually(() => (gateway.gateway.stats() as Any).tools.count?.inFlight === 1);
    const call = (tool: string) => refusal(unary(rpc, 'Call', { tool, arguments: '{"ms":60000}' }));
    const begun = call('wait');
    const running = async (): Promise<number> => {
      const headers = { 'X-API-Key': 'super-secret' };
      const { workers } = (await (await fetch(`${gateway.url}/stats`, { headers })).json()) as Any;
      return workers[0].callsInFlight;
    };
    await eventually(async () => (await running()) === 2);
    await unary(rpc, 'Call', echo('behind it')); // the thread has begun what came before
    const queued = call('wait_alone'); // the one thread is shared by the others
    await eventually(() => (gateway.gateway.stats() as Any).tools.wait_alone?.inFlight === 1);
    await gateway.close();
    const ends = await Promise.all([streamed, begun, queued]);
    expect(ends.map(({ code }) => code)).to.deep.equal([10, 10, 14]);
    for (const error of ends) expect(detailOf(error).code).to.equal('unavailable');
    rpc.close();
  });
});
