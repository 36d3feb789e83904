/** What a key of KEYS_FILE may use, on every transport of a whole gateway, and what becomes of it when the file changes. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { ConfigError } from '../../lib/config/config-error.ts';
import { createGateway } from '../../lib/index.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';
import { fixture } from '../support/start-pool.ts';
import { type Reply, WireClient } from '../transports/mcp/wire-client.ts';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');
const entry = (name: string, more: object = {}) => ({ name, sha256: sha256(`key of ${name}`), ...more });
const keyOf = (name: string) => ({ 'x-api-key': `key of ${name}` });

const ALL = entry('all');
const FEW = entry('few', { tools: ['e*o', 'wait', 'static-text'] });
const SEER = entry('seer', { tools: ['count'], stats: true });
const SLOW = entry('slow', { rate: 1 });

describe('a key of KEYS_FILE', () => {
  let root: string;
  let keysFile: string;
  let gateway: TestGateway;

  const write = (...keys: object[]) => {
    writeFileSync(`${keysFile}.next`, JSON.stringify({ keys }));
    renameSync(`${keysFile}.next`, keysFile);
  };

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'keys-'));
    keysFile = join(root, 'keys.json');
    write(ALL, FEW, SEER, SLOW);
    const tools = [fixture('basic-tools'), fixture('conformance')];
    gateway = await startGateway({ keysFile, tools, minWorkers: 1, maxWorkers: 2 });
  });
  after(async () => {
    await gateway.close();
    rmSync(root, { recursive: true, force: true });
  });
  beforeEach(async () => {
    write(ALL, FEW, SEER, SLOW);
    await eventually(async () => (await (await get('/tools', 'few')).text()).includes('"echo"'));
  });

  const get = (path: string, name: string) => fetch(`${gateway.url}${path}`, { headers: keyOf(name) });
  const post = (path: string, name: string, body: object = {}) =>
    fetch(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { ...keyOf(name), 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const namesOf = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);
  const mcp = (name: string) => new WireClient(`${gateway.url}/mcp`, keyOf(name));
  const listOf = ({ last }: Reply, list: string) =>
    namesOf((last?.result?.[list] ?? []) as unknown as { readonly name: string }[]);
  const connect = (tool: string, name: string) =>
    new WebSocket(`${gateway.url.replace('http', 'ws')}/ws/tools/${tool}`, { headers: keyOf(name) });
  const refusedWith = (socket: WebSocket) =>
    new Promise<number | undefined>((resolve) => {
      socket.on('error', () => {});
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode));
      socket.on('open', () => resolve(undefined));
    });

  it('makes the default key void', async () => {
    expect(
      (await fetch(`${gateway.url}/tools`, { headers: { 'x-api-key': 'super-secret' } })).status,
    ).to.equal(401);
  });

  it('sees its own tools in every list', async () => {
    const { tools } = (await (await get('/tools', 'few')).json()) as { tools: { name: string }[] };
    expect(namesOf(tools)).to.deep.equal(['echo', 'wait']);
    const count = async (name: string) => ((await (await get('/', name)).json()) as { tools: number }).tools;
    expect(await count('few')).to.equal(2);
    expect(await count('all')).to.be.above(10);
    expect(await count('nobody'), 'a wrong key is none').to.equal(await count('all'));
    const client = mcp('few');
    await client.initialize();
    for (const [method, list] of [
      ['tools/list', 'tools'],
      ['resources/list', 'resources'],
      ['resources/templates/list', 'resourceTemplates'],
      ['prompts/list', 'prompts'],
    ] as const) {
      const sessions = listOf(await client.call(method).done, list);
      const stateless = listOf(await mcp('few').stateless(method).done, list);
      const whole = listOf(await mcp('all').stateless(method).done, list);
      expect(stateless, method).to.deep.equal(sessions);
      expect(whole.length, method).to.be.above(sessions.length);
      if (method === 'tools/list') expect(sessions).to.deep.equal(['echo', 'wait']);
    }
  });

  it('finds no other tool on any transport, and no message names one', async () => {
    const absent = await (await post('/tools/nope', 'few')).text();
    for (const [path, method] of [
      ['/tools/count', 'POST'],
      ['/tools/count/stream', 'POST'],
      ['/tools/count', 'GET'],
      ['/ws/tools/count', 'GET'],
    ] as const) {
      const response = await fetch(`${gateway.url}${path}`, {
        method,
        headers: { ...keyOf('few'), 'content-type': 'application/json' },
        ...(method === 'POST' && { body: '{}' }),
      });
      expect(response.status, path).to.equal(404);
      const { detail, code } = (await response.json()) as { detail: string; code: string };
      expect(code).to.equal('tool_not_found');
      expect(detail).to.equal('there is no tool "count"; the tools are: echo, wait');
    }
    expect(absent).to.include('the tools are: echo, wait');
    expect(await refusedWith(connect('count', 'few'))).to.equal(404);
    const client = mcp('few');
    await client.initialize();
    for (const reply of [
      await client.tool('count', { n: 1 }).done,
      await mcp('few').stateless('tools/call', { name: 'count', arguments: { n: 1 } }).done,
    ]) {
      expect(reply.last?.error?.code).to.equal(-32602);
      expect(reply.last?.error?.message).to.equal('there is no tool "count"; the tools are: echo, wait');
    }
    const task = await client.call('tools/call', { name: 'count', arguments: {}, task: {} }).done;
    expect(task.last?.error?.code).to.equal(-32602);
  });

  it('finds no other resource or prompt, and completes none', async () => {
    const read = (name: string, uri: string) => mcp(name).stateless('resources/read', { uri }).done;
    const uri = 'test://static-binary';
    expect((await read('all', uri)).last?.result).to.be.an('object');
    expect((await read('few', uri)).last?.error?.message).to.equal('resource not found');
    const complete = (name: string) =>
      mcp(name).stateless('completion/complete', {
        ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
        argument: { name: 'arg1', value: 'p' },
      }).done;
    expect((await complete('all')).last?.result).to.be.an('object');
    expect((await complete('few')).last?.error?.message).to.include('there is no prompt');
    const prompt = await mcp('few').stateless('prompts/get', { name: 'test_simple_prompt' }).done;
    expect(prompt.last?.error?.message).to.include('there is no prompt');
  });

  it('sees the figures of the gateway where it may use everything, or its entry says so', async () => {
    const statuses = [];
    for (const name of ['all', 'few', 'seer', 'slow']) statuses.push((await get('/stats', name)).status);
    expect(statuses).to.deep.equal([200, 403, 200, 200]);
  });

  it('has its own rate, counted over all transports together', async () => {
    const client = mcp('slow');
    await client.initialize();
    await client.call('tools/list').done;
    await client.call('resources/list').done;
    const socket = connect('echo', 'slow');
    await once(socket, 'open');
    /** What is answered within the second of a call over HTTP. The machine may be too slow for that at first. */
    const justAfterACall = async <T>(ask: () => Promise<T>): Promise<T> => {
      for (;;) {
        const at = performance.now();
        const { headers, status } = await post('/tools/echo', 'slow', { arguments: { text: 'a' } });
        if (status === 200) {
          expect(headers.get('ratelimit')).to.equal('"default";r=0;t=1');
          const answer = await ask();
          if (performance.now() - at < 900) return answer;
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const second = await justAfterACall(() => client.tool('echo', { text: 'b' }).done);
    expect([second.status, second.last?.error?.code]).to.deep.equal([429, 1429]);
    expect(second.headers).to.include({
      'retry-after': '1',
      'ratelimit-policy': '"default";q=1;w=1',
      ratelimit: '"default";r=0;t=1',
    });
    const call = { name: 'echo', arguments: { text: 'c' } };
    const stateless = await justAfterACall(() => mcp('slow').stateless('tools/call', call).done);
    expect([stateless.status, stateless.headers['retry-after']]).to.deep.equal([429, '1']);
    const heard: string[] = [];
    socket.on('message', (data) => heard.push(JSON.parse(String(data)).event));
    await justAfterACall(async () => {
      heard.length = 0;
      socket.send('{"arguments":{"text":"d"}}');
      await eventually(() => heard.includes('complete'));
    });
    expect(heard).to.deep.equal(['error', 'complete']);
    socket.terminate();
    expect(
      (await post('/tools/echo', 'all', { arguments: { text: 'f' } })).headers.has('ratelimit'),
    ).to.equal(false);
  });

  it('binds neither the code around the gateway nor a client of stdio', async () => {
    expect(namesOf(gateway.gateway.tools())).to.include('count');
    expect((await gateway.gateway.call('count', { n: 1 }).outcome()).type).to.equal('result');
    const [stdin, stdout] = [new PassThrough(), new PassThrough()];
    const served = gateway.gateway.connect({ stdin, stdout });
    stdin.write(
      '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"x","version":"1"}}}\n',
    );
    await once(stdout, 'data');
    stdin.write('{"jsonrpc":"2.0","id":2,"method":"tools/list"}\n');
    const [answer] = await once(stdout, 'data');
    expect(namesOf(JSON.parse(String(answer)).result.tools)).to.include('count');
    stdin.end();
    await served;
  });

  it('that may use something else is told so, and nobody else; new calls follow at once', async () => {
    const [few, all] = [mcp('few'), mcp('all')];
    const streams = [];
    for (const client of [few, all]) {
      const { last } = await client.initialize('2025-06-18');
      expect(last?.result).to.have.nested.property('capabilities.tools.listChanged', true);
      streams.push(client.listen());
    }
    for (const stream of streams) await stream.head;
    const wanted = { notifications: { toolsListChanged: true } };
    const subscription = mcp('few').stateless('subscriptions/listen', wanted);
    await subscription.message(1);
    write(ALL, entry('few', { tools: ['count'] }), SEER, SLOW);
    const [first] = await Promise.all([streams[0]?.message(1), subscription.message(2)]);
    expect(first?.method).to.equal('notifications/tools/list_changed');
    expect(subscription.messages[1]?.method).to.equal('notifications/tools/list_changed');
    expect(listOf(await few.call('tools/list').done, 'tools')).to.deep.equal(['count']);
    expect((await post('/tools/echo', 'few')).status).to.equal(404);
    expect(streams[1]?.messages).to.deep.equal([]);
    for (const stream of [...streams, subscription]) stream.leave();
  });

  it('that may no longer use a tool sees none of its calls of it', async () => {
    const body = { arguments: { text: 'a secret' } };
    const once = (name: string) =>
      fetch(`${gateway.url}/tools/echo`, {
        method: 'POST',
        headers: { ...keyOf(name), 'content-type': 'application/json', 'idempotency-key': 'kept' },
        body: JSON.stringify(body),
      });
    const socket = connect('echo', 'few');
    const heard: { id: string; event: string; error?: { code: string } }[] = [];
    socket.on('message', (data) => heard.push(JSON.parse(String(data))));
    const say = async (id: string, message: object) => {
      socket.send(JSON.stringify({ id, ...message }));
      await eventually(() => heard.some((said) => said.id === id && said.event === 'complete'));
      return heard.find((said) => said.id === id)?.error?.code;
    };
    await new Promise((resolve) => socket.once('open', resolve));
    expect((await once('few')).status).to.equal(200);
    expect(await say('first', { ...body, idempotencyKey: 'kept' })).to.equal(undefined);
    const callId = (await post('/tools/echo/stream', 'few', body)).headers.get('x-call-id') ?? '';
    const listed = async () => (await get('/calls', 'few')).text();
    expect(await listed()).to.include(callId);

    write(ALL, entry('few', { tools: ['count'] }), SEER, SLOW);
    await eventually(async () => (await post('/tools/echo', 'few', body)).status === 404);
    expect(await listed()).to.not.include('echo');
    for (const path of [`/calls/${callId}`, `/calls/${callId}/events`]) {
      const answer = await get(path, 'few');
      expect([answer.status, await answer.text()].join(' '), path).to.match(/^404 .*call_not_found/);
    }
    expect((await once('few')).status).to.equal(404);
    expect(await say('resumed', { event: 'resume', callId })).to.equal('call_not_found');
    expect(await say('again', { ...body, idempotencyKey: 'kept' })).to.equal('tool_not_found');
    socket.terminate();
  });

  it('that is taken away ends with all that it has open, and opens nothing more', async () => {
    const client = mcp('few');
    await client.initialize();
    const stream = client.listen();
    await stream.head;
    const waiting = client.tool('wait', { ms: 60_000 });
    const sync = post('/tools/wait', 'few', { arguments: { ms: 60_000 } });
    const streamed = await post('/tools/wait/stream', 'few', { arguments: { ms: 60_000 } });
    const subscription = mcp('few').stateless('subscriptions/listen', {
      notifications: { toolsListChanged: true },
    });
    await subscription.message(1);
    const legacy = await get('/sse', 'few');
    const newTicket = async () =>
      ((await (await post('/tickets', 'few')).json()) as { ticket: string }).ticket;
    const byTicket = async (ticket: string) =>
      (await fetch(`${gateway.url}/tools/echo/stream?arguments={"text":"a"}&ticket=${ticket}`)).status;
    const ticket = await newTicket();
    expect(await byTicket(await newTicket())).to.equal(200);
    const [socket, other] = [connect('wait', 'few'), connect('echo', 'all')];
    const heard: { event: string; status?: string }[] = [];
    socket.on('message', (data) => heard.push(JSON.parse(String(data))));
    await Promise.all([once(socket, 'open'), once(other, 'open')]);
    socket.send('{"arguments":{"ms":60000}}');
    await eventually(() => heard.length > 0);

    write(ALL, SEER, SLOW);
    const [code, reason] = await once(socket, 'close');
    expect([code, String(reason)]).to.deep.equal([1008, 'the API key was taken away']);
    expect(heard.map(({ event, status }) => status ?? event)).to.deep.equal([
      'started',
      'error',
      'cancelled',
    ]);
    expect((await sync).status).to.equal(499);
    expect(await streamed.text()).to.match(/event: done\ndata: \{"status":"cancelled"\}\n\n$/);
    await Promise.all([stream.done, subscription.done, waiting.done, legacy.text()]);
    expect(await byTicket(ticket)).to.equal(401);
    expect((await post('/tools/echo', 'few')).status).to.equal(401);
    expect((await client.call('tools/list').done).status).to.equal(401);
    expect(await refusedWith(connect('echo', 'few'))).to.equal(401);
    other.send('{"arguments":{"text":"still here"}}');
    await once(other, 'message');
    other.terminate();
  });

  it('of a file with a mistake keeps the gateway from listening, with a message that names it', async () => {
    const wrong = join(root, 'wrong.json');
    writeFileSync(wrong, '{"keys": [{"name": "a"}]}');
    const options = { port: 0, dataDir: root, minWorkers: 1, logLevel: 'ERROR' } as const;
    const other = await createGateway({ ...options, keysFile: wrong });
    const refused = await other.listen().then(undefined, (error: unknown) => error);
    await other.close({ drainMs: 0 });
    expect(refused).to.be.instanceOf(ConfigError);
    expect((refused as ConfigError).message).to.include(
      `KEYS_FILE, ${wrong}, keys[0].sha256 (a) is no digest`,
    );
  });
});
