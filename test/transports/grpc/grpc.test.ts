/** gRPC beyond the shared behaviour: metadata, statuses, sessions, the catalog, health, reflection, ports. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { fromJSON, loadFileDescriptorSetFromBuffer, loadSync } from '@grpc/proto-loader';
import { expect } from 'chai';
import { DESCRIPTORS } from '../../../lib/transports/grpc/descriptors.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from '../loopback-certificate.ts';
import { type Any, definition, detailOf, grpcClient, keyMetadata, PROTO_OPTIONS } from './grpc-js-client.ts';

const HEALTH = fileURLToPath(new URL('../../../../lib/transports/grpc/health.proto', import.meta.url));

/** What a unary RPC gives. */
const unary = (client: Any, method: string, request: object, metadata = keyMetadata(), options = {}) =>
  new Promise<Any>((resolve, reject) =>
    client[method](request, metadata, options, (error: ServiceError | null, answer: Any) =>
      error ? reject(error) : resolve(answer),
    ),
  );

const refusal = async (promise: Promise<unknown>): Promise<ServiceError> =>
  promise.then(
    () => expect.fail('it was not refused'),
    (error) => error,
  );

const events = async (stream: Any): Promise<Any[]> => {
  const all: Any[] = [];
  for await (const event of stream) all.push(event);
  return all;
};

describe('gRPC', () => {
  let gateway: TestGateway;
  let client: Any;
  let target: string;

  before(async () => {
    gateway = await startGateway({
      grpc: true,
      minWorkers: 1,
      maxWorkers: 2,
      maxBodyBytes: 64 * 1024,
      tools: [fixture('basic-tools'), fixture('value-tools'), fixture('mcp-tools')],
    });
    target = `127.0.0.1:${gateway.port}`;
    client = grpcClient(target);
  });
  after(async () => {
    client.close();
    await gateway.close();
  });

  const echo = (text: string) => ({ tool: 'echo', arguments: JSON.stringify({ text }) });

  it('answers a unary call with data, meta and the ids of request and call', async () => {
    const metadata = keyMetadata();
    metadata.set('x-request-id', 'mine');
    let head: Metadata | undefined;
    const answer = await new Promise<Any>((resolve, reject) => {
      client
        .Call({ tool: 'sum', arguments: '{"n":3}' }, metadata, (error: unknown, got: Any) =>
          error ? reject(error) : resolve(got),
        )
        .on('metadata', (got: Metadata) => {
          head = got;
        });
    });
    expect(JSON.parse(answer.json)).to.deep.equal({ total: 6 });
    expect(JSON.parse(answer.meta)).to.include({ counted: 3 });
    expect(head?.get('x-request-id')).to.deep.equal(['mine']);
    expect(head?.get('x-call-id')).to.deep.equal([answer.call_id]);
  });

  it('takes the key as Bearer too, and refuses a missing or a wrong one, for reflection also', async () => {
    const bearer = new Metadata();
    bearer.set('authorization', 'Bearer super-secret');
    expect((await unary(client, 'ListTools', {}, bearer)).tools.length).to.be.above(3);
    const missing = await refusal(unary(client, 'Call', echo('x'), new Metadata()));
    expect([missing.code, detailOf(missing).code]).to.deep.equal([16, 'unauthenticated']);
    const wrong = await refusal(unary(client, 'Call', echo('x'), keyMetadata('wrong')));
    expect([wrong.code, wrong.details]).to.deep.equal([16, 'the API key is wrong']);
  });

  it('checks :authority as Host is checked', async () => {
    const other = grpcClient(target, { 'grpc.default_authority': 'evil.example' });
    const refused = await refusal(unary(other, 'Call', echo('x')));
    expect([refused.code, detailOf(refused).code]).to.deep.equal([7, 'permission_denied']);
    other.close();
  });

  it("maps codes to statuses, with the gateway's own code and details", async () => {
    const unknown = await refusal(unary(client, 'Call', { tool: 'nope' }));
    expect([unknown.code, detailOf(unknown).code]).to.deep.equal([5, 'tool_not_found']);
    const bad = await refusal(unary(client, 'Call', { tool: 'echo', arguments: '{"text":7}' }));
    expect(bad.code).to.equal(3);
    expect(JSON.parse(detailOf(bad).details).issues[0].path).to.equal('text');
    expect(detailOf(bad)).to.include({ code: 'invalid_arguments', status: 422, retryable: false });
    const notJson = await refusal(unary(client, 'Call', { tool: 'echo', arguments: '{' }));
    expect([notJson.code, detailOf(notJson).code]).to.deep.equal([3, 'parse_error']);
    const noTool = await refusal(unary(client, 'Call', {}));
    expect(detailOf(noTool).code).to.equal('invalid_request');
    const large = await refusal(unary(client, 'Call', echo('x'.repeat(70_000))));
    expect([large.code, detailOf(large).code]).to.deep.equal([8, 'payload_too_large']);
  });

  it('holds a call to the deadline of its RPC', async () => {
    const wait = { tool: 'wait', arguments: '{"ms":60000}' };
    const late = await refusal(unary(client, 'Call', wait, keyMetadata(), { deadline: Date.now() + 100 }));
    expect(late.code).to.equal(4);
    const own = await refusal(unary(client, 'Call', { ...wait, timeout_ms: 50 }));
    expect([own.code, detailOf(own).code]).to.deep.equal([4, 'deadline_exceeded']);
  });

  it('gives the same call again for an idempotency key', async () => {
    const request = { tool: 'count', arguments: '{"n":2}', idempotency_key: 'once' };
    const first = await unary(client, 'Call', request);
    const again = await unary(client, 'Call', request);
    expect(again.call_id).to.equal(first.call_id);
    const other = await refusal(unary(client, 'Call', { ...request, arguments: '{"n":3}' }));
    expect([other.code, detailOf(other).code]).to.deep.equal([6, 'idempotency_mismatch']);
  });

  it('tells of a message that the client would cut, before it is cut', async () => {
    const request = { tool: 'count', arguments: '{"n":60,"pad":100000}' };
    const cut = await refusal(unary(client, 'Call', request));
    expect([cut.code, detailOf(cut).code]).to.deep.equal([8, 'result_too_large']);
    expect(cut.details).to.match(/takes a message of \d+ bytes, and the client takes 4194304/);
    const big = grpcClient(target, { 'grpc.max_receive_message_length': -1 });
    const whole = await unary(big, 'Call', { ...request, max_message_bytes: 16 * 1024 * 1024 });
    expect(JSON.parse(whole.json)).to.have.length(60);
    const streamed = await events(client.CallStream({ ...request, result: 'none' }, keyMetadata()));
    const chunks = streamed.flatMap(({ chunks: batch }) => batch?.json ?? []);
    expect(chunks).to.have.length(60);
    big.close();
  });

  it('carries Uint8Array as bytes', async () => {
    const answer = await unary(client, 'Call', { tool: 'value', arguments: '{"name":"bytes"}' });
    expect([answer.data, [...answer.bytes]]).to.deep.equal(['bytes', [1, 2, 3]]);
  });

  it('lists the tools with their schemas, and to who watches too', async () => {
    const { tools } = await unary(client, 'ListTools', {});
    expect(tools.map(({ name }: Any) => name)).to.include('echo');
    expect(JSON.parse(tools.find(({ name }: Any) => name === 'echo').input_schema).type).to.equal('object');
    const watch = client.WatchTools({}, keyMetadata());
    const [first] = await new Promise<Any[]>((resolve) => watch.once('data', (list: Any) => resolve([list])));
    expect(first.tools.length).to.equal(tools.length);
    watch.on('error', () => {});
    watch.cancel();
  });

  it('runs several calls in one session, cancels one, refuses an id twice, and ends when they have', async () => {
    const session = client.CallSession(keyMetadata());
    const told: Any[] = [];
    const ended = new Promise<void>((resolve, reject) => {
      session.on('error', reject);
      session.on('end', resolve);
    });
    session.on('data', (one: Any) => {
      told.push(one);
      if (one.id !== 'slow') return;
      if (one.event.event === 'started') session.write({ id: 'slow', cancel: {} });
      else session.end();
    });
    session.write({ id: 'slow', call: { tool: 'wait', arguments: '{"ms":60000}' } });
    session.write({ id: 'slow', call: echo('twice') });
    session.write({ id: 'a', call: { tool: 'count', arguments: '{"n":3}' } });
    session.write({ id: '', call: echo('no id') });
    await ended;
    const of = (id: string) => told.filter((one) => one.id === id).map(({ event }) => event);
    expect(of('').map(({ error }) => error.code)).to.deep.equal(['duplicate_id', 'invalid_request']);
    expect(of('a')[0].event).to.equal('started');
    expect(of('a').flatMap(({ chunks }) => chunks?.json ?? [])).to.deep.equal([
      '{"i":0}',
      '{"i":1}',
      '{"i":2}',
    ]);
    expect(of('a').at(-1).event).to.equal('result');
    expect(of('slow').at(-1).error.code).to.equal('cancelled');
  });

  it('brings questions of tools to the client of a session, and its answer back', async () => {
    const session = client.CallSession(keyMetadata());
    const told: Any[] = [];
    session.on('data', ({ id, event }: Any) => {
      told.push(event);
      if (event.event !== 'ask') return;
      const result = JSON.stringify({ action: 'accept', content: { name: 'Ada' } });
      session.write({ id, answer: { ask: event.ask.ask, result } });
      session.end();
    });
    session.write({ id: 'q', call: { tool: 'ask', arguments: '{}' } });
    await new Promise((resolve, reject) => session.on('end', resolve).on('error', reject));
    expect(told.map(({ event }) => event)).to.include('ask');
    expect(told.at(-1).event, JSON.stringify(told.at(-1))).to.equal('result');
  });

  it('tells its health without a key', async () => {
    const { grpc } = loadPackageDefinition(loadSync(HEALTH, { ...PROTO_OPTIONS, enums: String })) as Any;
    const health = new grpc.health.v1.Health(target, credentials.createInsecure());
    const check = (service: string) => unary(health, 'Check', { service }, new Metadata());
    expect((await check('')).status).to.equal('SERVING');
    expect((await check('mcp.gateway.v1.McpGateway')).status).to.equal('SERVING');
    expect((await refusal(check('nope'))).code).to.equal(5);
    const watch = health.Watch({ service: '' }, new Metadata());
    const first = await new Promise<Any>((resolve) => watch.once('data', resolve));
    expect(first.status).to.equal('SERVING');
    watch.on('error', () => {});
    watch.cancel();
    health.close();
  });

  it('describes in reflection what the .proto files say', () => {
    const set = Buffer.concat(
      DESCRIPTORS.flatMap(({ base64 }) => {
        const bytes = Buffer.from(base64, 'base64');
        const length = [];
        for (let rest = bytes.length; ; rest >>= 7) {
          length.push(rest >= 128 ? (rest & 127) | 128 : rest);
          if (rest < 128) break;
        }
        return [Buffer.from([0x0a, ...length]), bytes];
      }),
    );
    const fieldOf = ({ name, number, label, type, typeName, oneofIndex }: Any) => {
      return [name, number, label, type, typeName.replace(/^.*\./, ''), oneofIndex];
    };
    const described = loadFileDescriptorSetFromBuffer(set, PROTO_OPTIONS);
    const written = { ...definition, ...loadSync(HEALTH, PROTO_OPTIONS) };
    const shapeOf = (types: Any) =>
      Object.fromEntries(
        Object.entries(types).map(([name, type]: [string, Any]) => [
          name,
          type.format
            ? { fields: type.type.field.map(fieldOf), values: type.type.value }
            : Object.fromEntries(
                Object.entries(type).map(
                  ([method, { path, requestStream, responseStream }]: [string, Any]) => [
                    method,
                    { path, requestStream, responseStream },
                  ],
                ),
              ),
        ]),
      );
    expect(Object.keys(shapeOf(described)).sort()).to.deep.equal(Object.keys(shapeOf(written)).sort());
    expect(JSON.parse(JSON.stringify(shapeOf(described)))).to.deep.equal(
      JSON.parse(JSON.stringify(shapeOf(written))),
    );
  });

  it('answers reflection, by name of service, symbol and file', async () => {
    const reflection = fromJSON(REFLECTION as Any, PROTO_OPTIONS);
    const { grpc } = loadPackageDefinition(reflection) as Any;
    const server = new grpc.reflection.v1.ServerReflection(target, credentials.createInsecure());
    const stream = server.ServerReflectionInfo(keyMetadata());
    const answers: Any[] = [];
    stream.on('data', (answer: Any) => answers.push(answer));
    stream.write({ list_services: '*' });
    stream.write({ file_containing_symbol: 'mcp.gateway.v1.Error' });
    stream.write({ file_by_filename: 'mcp_gateway.proto' });
    stream.write({ file_containing_symbol: 'no.such.Thing' });
    stream.end();
    await new Promise((resolve, reject) => stream.on('end', resolve).on('error', reject));
    const [services, bySymbol, byFile, none] = answers;
    expect(services.list_services_response.service.map(({ name }: Any) => name)).to.include.members([
      'mcp.gateway.v1.McpGateway',
      'grpc.health.v1.Health',
    ]);
    expect(bySymbol.file_descriptor_response.file_descriptor_proto[0].toString('latin1')).to.include(
      'McpGateway',
    );
    expect(byFile.file_descriptor_response).to.deep.equal(bySymbol.file_descriptor_response);
    expect(none.error_response.error_code).to.equal(5);
    server.close();
  });

  it('leaves HTTP/1.1 on the same port as it was', async () => {
    const answer = await fetch(`${gateway.url}/tools/echo`, {
      method: 'POST',
      headers: { 'X-API-Key': 'super-secret', 'Content-Type': 'application/json' },
      body: JSON.stringify({ arguments: { text: 'h1' } }),
    });
    expect(((await answer.json()) as Any).data).to.deep.equal({ text: 'h1' });
  });

  it('counts its calls under its own name', async () => {
    const headers = { 'X-API-Key': 'super-secret' };
    const stats = (await (await fetch(`${gateway.url}/stats`, { headers })).json()) as Any;
    expect(stats.transports.grpc.bytes).to.be.above(0);
    expect(stats.transports.grpc.connections).to.be.above(0);
    const metrics = await (await fetch(`${gateway.url}/metrics`, { headers })).text();
    expect(metrics).to.match(/mcp_gateway_calls_total\{[^}]*transport="grpc"/);
  });
});

describe('gRPC with TLS, and on a port of its own', () => {
  it('is chosen by ALPN where only it is offered', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'grpc-tls-'));
    const [tlsCert, tlsKey] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    writeFileSync(tlsCert, LOOPBACK_CERTIFICATE);
    writeFileSync(tlsKey, LOOPBACK_KEY);
    const gateway = await startGateway({ grpc: true, tlsCert, tlsKey, minWorkers: 1, maxWorkers: 1 });
    const secure = credentials.createSsl(readFileSync(tlsCert));
    const client = grpcClient(`localhost:${gateway.port}`, {}, secure);
    try {
      const answer = await unary(client, 'Call', { tool: 'echo', arguments: '{"text":"tls"}' });
      expect(JSON.parse(answer.json)).to.deep.equal({ text: 'tls' });
      const both = tlsConnect({
        port: gateway.port,
        ca: LOOPBACK_CERTIFICATE,
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      await new Promise((resolve) => both.once('secureConnect', resolve));
      expect(both.alpnProtocol).to.equal('http/1.1');
      both.destroy();
    } finally {
      client.close();
      await gateway.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('listens on GRPC_PORT, and then on no other', async () => {
    const gateway = await startGateway({ grpcPort: 0, minWorkers: 1, maxWorkers: 1 });
    const { transports } = gateway.gateway.stats() as Any;
    const client = grpcClient(`127.0.0.1:${transports.grpc.port}`);
    try {
      const answer = await unary(client, 'Call', { tool: 'echo', arguments: '{"text":"own"}' });
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

  it('tells of a change of the tools to who watches', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'grpc-tools-'));
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
    const gateway = await startGateway({
      grpc: true,
      minWorkers: 1,
      maxWorkers: 1,
      builtIns: 'off',
      tools: [module],
    });
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
      rmSync(folder, { recursive: true });
    }
  });
});

/** As much of grpc/reflection/v1/reflection.proto as is asked for here. */
const REFLECTION = {
  nested: {
    grpc: {
      nested: {
        reflection: {
          nested: {
            v1: {
              nested: {
                ServerReflection: {
                  methods: {
                    ServerReflectionInfo: {
                      requestType: 'ServerReflectionRequest',
                      requestStream: true,
                      responseType: 'ServerReflectionResponse',
                      responseStream: true,
                    },
                  },
                },
                ServerReflectionRequest: {
                  oneofs: {
                    message_request: {
                      oneof: ['file_by_filename', 'file_containing_symbol', 'list_services'],
                    },
                  },
                  fields: {
                    file_by_filename: { type: 'string', id: 3 },
                    file_containing_symbol: { type: 'string', id: 4 },
                    list_services: { type: 'string', id: 7 },
                  },
                },
                ServerReflectionResponse: {
                  fields: {
                    file_descriptor_response: { type: 'Files', id: 4 },
                    list_services_response: { type: 'Services', id: 6 },
                    error_response: { type: 'Refusal', id: 7 },
                  },
                },
                Files: { fields: { file_descriptor_proto: { rule: 'repeated', type: 'bytes', id: 1 } } },
                Services: { fields: { service: { rule: 'repeated', type: 'Service', id: 1 } } },
                Service: { fields: { name: { type: 'string', id: 1 } } },
                Refusal: {
                  fields: { error_code: { type: 'int32', id: 1 }, error_message: { type: 'string', id: 2 } },
                },
              },
            },
          },
        },
      },
    },
  },
};
