/** GraphQL as keys change, limits are reached and the gateway ends: over SSE, a reserved stream and a WebSocket. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { eventually } from '../../support/eventually.ts';
import { startGatewayProcess } from '../../support/gateway-process.ts';
import { startGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';

const JSON_TYPE = { 'Content-Type': 'application/json' };
const subscription = (call: string) =>
  `subscription { call(${call}) { __typename ... on CallChunks { items } ... on CallSucceeded { chunks } } }`;
const WAIT = subscription('tool: "wait", arguments: {ms: 60000}');

interface Message {
  readonly type: string;
  readonly id?: string;
  readonly payload?: { readonly errors?: readonly { readonly extensions: Record<string, unknown> }[] };
}

/** A WebSocket that has introduced itself, what it was told, and the code that closes it. */
async function connect(url: string, key: string) {
  const headers = { 'X-API-Key': key };
  const ws = new WebSocket(`${url.replace('http', 'ws')}/graphql`, ['graphql-transport-ws'], { headers });
  const told: Message[] = [];
  ws.on('message', (data) => told.push(JSON.parse(String(data)))).on('error', () => {});
  const closed = once(ws, 'close').then(([code]) => code as number);
  await once(ws, 'open');
  const say = (message: object) => ws.send(JSON.stringify(message));
  say({ type: 'connection_init' });
  return {
    ws,
    told,
    closed,
    say,
    start: (id: string, query: string) => say({ id, type: 'subscribe', payload: { query } }),
  };
}

const post = (url: string, key: string, query: string) =>
  fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...JSON_TYPE, 'X-API-Key': key },
    body: JSON.stringify({ query }),
  });

describe('GraphQL while the gateway changes', () => {
  it('ends all that a key has open when it is taken away, and nothing of another', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'graphql-keys-'));
    const keysFile = join(folder, 'keys.json');
    const write = (...names: string[]) => {
      const keys = names.map((name) => ({
        name,
        sha256: createHash('sha256').update(`key of ${name}`).digest('hex'),
      }));
      writeFileSync(`${keysFile}.next`, JSON.stringify({ keys }));
      renameSync(`${keysFile}.next`, keysFile);
    };
    write('one', 'two');
    const gateway = await startGateway({ graphql: true, keysFile, minWorkers: 1, maxWorkers: 1 });
    const { url } = gateway;
    try {
      const [one, two] = [await connect(url, 'key of one'), await connect(url, 'key of two')];
      for (const socket of [one, two]) socket.start('a', WAIT);
      const streamed = (await post(url, 'key of one', WAIT)).text();
      const answered = post(
        url,
        'key of one',
        'mutation { call(tool: "wait", arguments: {ms: 60000}) { data } }',
      );
      const own = { 'X-API-Key': 'key of one' };
      const token = await (await fetch(`${url}/graphql`, { method: 'PUT', headers: own })).text();
      const reserved = await fetch(`${url}/graphql?token=${token}`, {
        headers: { ...own, Accept: 'text/event-stream' },
      });
      await fetch(`${url}/graphql?token=${token}`, {
        method: 'POST',
        headers: { ...JSON_TYPE, ...own },
        body: JSON.stringify({ query: WAIT, extensions: { operationId: 'r' } }),
      });
      await eventually(() => gateway.gateway.stats().tools['wait']?.inFlight === 5);
      write('two');
      expect(await one.closed).to.be.oneOf([1008, 4403]);
      expect(await streamed).to.include('"code":"cancelled"');
      expect(await (await answered).text()).to.include('"code":"cancelled"');
      await reserved.text(); // ends
      await eventually(() => gateway.gateway.stats().tools['wait']?.inFlight === 1);
      expect((await post(url, 'key of one', '{ tools { name } }')).status).to.equal(401);
      expect(two.ws.readyState).to.equal(WebSocket.OPEN);
      two.ws.terminate();
    } finally {
      await gateway.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('counts calls against RATE_LIMIT, tells what is left and when to come again', async () => {
    const gateway = await startGateway({ graphql: true, rateLimit: 2, minWorkers: 1, maxWorkers: 1 });
    const { url } = gateway;
    try {
      const echo = 'mutation { call(tool: "echo", arguments: {text: "a"}) { data } }';
      const first = await post(url, 'super-secret', echo);
      expect(first.headers.get('ratelimit')).to.match(/^"default";r=1;/);
      await first.text();
      // More at once than a second may have: one behind the other they could take longer.
      const answers = await Promise.all(Array.from({ length: 6 }, () => post(url, 'super-secret', echo)));
      const told = (await Promise.all(answers.map((one) => one.json()))) as NonNullable<Message['payload']>[];
      const [error] = told.flatMap(({ errors }) => errors ?? []);
      expect(error?.extensions).to.include({ code: 'rate_limited', status: 429, retryable: true });
      expect(error?.extensions['retryAfterMs']).to.be.a('number').above(0);
      const socket = await connect(url, 'super-secret');
      for (const id of ['a', 'b', 'c', 'd']) {
        socket.start(id, subscription('tool: "echo", arguments: {text: "a"}'));
      }
      await eventually(() => socket.told.filter(({ type }) => type === 'complete').length === 4);
      const codes = socket.told.flatMap(({ type, payload }) =>
        type === 'next' ? (payload?.errors ?? []) : [],
      );
      expect(new Set(codes.map(({ extensions }) => extensions['code']))).to.deep.equal(
        new Set(['rate_limited']),
      );
      expect((await post(url, 'super-secret', '{ tools { name } }')).status).to.equal(200);
      socket.ws.terminate();
    } finally {
      await gateway.close();
    }
  });

  it('lets subscriptions end after SIGTERM, refuses new calls, and exits with 0', async () => {
    const gateway = await startGatewayProcess({ args: ['--graphql', '--tools', fixture('basic-tools')] });
    const { url } = gateway;
    const slow = subscription('tool: "count", arguments: {n: 200, delayMs: 10}');
    const socket = await connect(url, 'super-secret');
    socket.start('a', slow);
    socket.start('long', WAIT); // so that the gateway is still there when it is asked for more
    const streamed = (await post(url, 'super-secret', slow)).text();
    await eventually(() => socket.told.filter(({ type }) => type === 'next').length > 1);
    const exit = gateway.end('SIGTERM');
    let probes = 0;
    await eventually(() => {
      socket.start(`late-${probes++}`, subscription('tool: "echo", arguments: {text: "late"}'));
      return socket.told.some(
        ({ id, payload }) => id !== 'a' && payload?.errors?.[0]?.extensions['code'] === 'unavailable',
      );
    });
    socket.say({ id: 'long', type: 'complete' });
    expect(await streamed).to.match(/"chunks":200.*\n\nevent: complete/);
    await eventually(() => socket.told.some(({ id, type }) => id === 'a' && type === 'complete'));
    await socket.closed;
    expect(await exit).to.equal(0);
  });

  it('tells a reader that is behind the rest of a call that has ended, before it says goodbye', async () => {
    const gateway = await startGateway({
      graphql: true,
      minWorkers: 1,
      maxWorkers: 1,
      drainTimeoutMs: 20_000,
    });
    const socket = await connect(gateway.url, 'super-secret');
    socket.start('a', subscription('tool: "count", arguments: {n: 3000, pad: 1000}'));
    await eventually(() => socket.told.some(({ type }) => type === 'next'));
    socket.ws.pause();
    const closing = gateway.close();
    setTimeout(() => socket.ws.resume(), 100);
    expect(await socket.closed).to.equal(1001);
    expect(socket.told.at(-1)).to.deep.equal({ id: 'a', type: 'complete' });
    await closing;
  });
});
