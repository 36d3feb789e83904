/** gRPC beyond the shared behaviour: metadata, statuses, sizes, the catalog, health. */
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';
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

const HEALTH = fileURLToPath(new URL('../../../../lib/transports/grpc/health.proto', import.meta.url));

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
      tools: [fixture('basic-tools'), fixture('value-tools')],
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
