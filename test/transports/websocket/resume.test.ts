/** WebSocket clients that come back: `detach`, `resume` and `idempotencyKey`. */
import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { DrainGate } from '../../../lib/async/drain-gate.ts';
import { ToolError } from '../../../lib/call/tool-error.ts';
import { eventually } from '../../support/eventually.ts';
import { endOf, failure, result, type Script } from '../scripted-runner.ts';
import { JSON_POST, KEY, type Started, type StartOptions, startTransports } from '../start-transports.ts';

type Message = Record<string, unknown> & { readonly error?: { readonly code: string } };

describe('a call over WebSocket that its client comes back for', () => {
  let served: Started;
  let runs = 0;
  const gate = new DrainGate();
  const scripts: Record<string, Script> = {
    async *steps() {
      runs++;
      yield { type: 'started' };
      yield { type: 'progress', progress: 1, total: null, message: '' };
      yield { type: 'chunks', index: 0, items: ['"a"', '"é"', '"c"'] };
      await gate.opened();
      yield { type: 'chunks', index: 3, items: ['"d"', '"e"'] };
      yield result('all', 5);
    },
    async *fails() {
      yield { type: 'started' };
      yield failure(new ToolError('tool_failed', 'no luck'));
    },
    async *asks({ answers }) {
      yield { type: 'started' };
      yield { type: 'ask', ask: 1, method: 'elicit', params: { message: 'first?' } };
      while (!answers.has(1)) await new Promise(setImmediate);
      yield { type: 'ask', ask: 2, method: 'elicit', params: { message: 'second?' } };
      while (!answers.has(2)) await new Promise(setImmediate);
      yield result([answers.get(1), answers.get(2)]);
    },
  };
  const sockets: WebSocket[] = [];
  const start = async (options: StartOptions = {}) => {
    runs = 0;
    served = await startTransports(scripts, options);
  };
  afterEach(async () => {
    for (const ws of sockets.splice(0)) ws.terminate();
    await served.close();
  });
  async function connect(tool = 'steps', headers: Record<string, string> = KEY) {
    const ws = new WebSocket(`${served.url.replace('http', 'ws')}/ws/tools/${tool}`, { headers });
    sockets.push(ws);
    const texts: string[] = [];
    ws.on('message', (data) => texts.push(String(data)));
    await once(ws, 'open');
    const all = () => texts.map((text) => JSON.parse(text) as Message);
    return {
      say: (message: object) => ws.send(JSON.stringify(message)),
      leave: () => ws.terminate(),
      texts,
      all,
      /** Waits for the first message that has these members. */
      async got(members: Message): Promise<Message> {
        const fits = (message: Message) =>
          Object.entries(members).every(([name, value]) => message[name] === value);
        return (await eventually(() => all().find(fits))) as Message;
      },
    };
  }
  const codes = (messages: readonly Message[]) =>
    messages.map(({ event, error, status }) => error?.code ?? status ?? event);

  it('numbers its messages, and gives the rest of them under the new id, word for word', async () => {
    await start();
    const first = await connect();
    first.say({ id: 1, detach: 60 });
    await first.got({ event: 'chunk', index: 2 });
    const { callId } = await first.got({ event: 'started' });
    first.leave();
    await eventually(() => served.meters.websocket.connections === 0);
    const second = await connect();
    second.say({ event: 'resume', id: 'r', callId, after: 2 });
    gate.open();
    await second.got({ event: 'complete' });
    expect(second.texts).to.deep.equal([
      '{"event":"chunk","id":"r","index":1,"data":"é","seq":3}',
      '{"event":"chunk","id":"r","index":2,"data":"c","seq":4}',
      '{"event":"chunk","id":"r","index":3,"data":"d","seq":5}',
      '{"event":"chunk","id":"r","index":4,"data":"e","seq":6}',
      '{"event":"complete","id":"r","status":"success","data":"all","chunks":5,"durationMs":1,"seq":8}',
    ]);
    expect(first.all().map(({ seq }) => seq)).to.deep.equal([0, 1, 2, 3, 4]);
    expect(runs).to.equal(1);
    for (const after of [8, 9, 7, 6]) {
      const texts = second.texts.length;
      second.say({ event: 'resume', id: after, callId, after });
      await second.got({ event: 'complete', id: after, status: 'success', seq: 8 });
      expect(second.texts).to.have.length(texts + 1);
    }
    second.say({ event: 'resume', id: 'whole', callId });
    await second.got({ event: 'complete', id: 'whole' });
    const whole = second.all().filter(({ id }) => id === 'whole');
    expect(whole.map(({ seq }) => seq)).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 8]);
    await eventually(() => served.meters.websocket.streams === 0);
  });

  it('is cancelled with its socket where it is not detached, and told so; nothing is numbered then', async () => {
    await start();
    const first = await connect();
    first.say({ id: 1 });
    await first.got({ event: 'chunk', index: 2 });
    const { callId } = await first.got({ event: 'started' });
    first.leave();
    await endOf(served.runner.calls[0]);
    expect(first.all().every(({ seq }) => seq === undefined)).to.equal(true);
    const second = await connect();
    second.say({ event: 'resume', id: 1, callId, after: 4 });
    await second.got({ event: 'complete', status: 'cancelled' });
    expect(codes(second.all())).to.deep.equal(['cancelled', 'cancelled']);
    second.say({ event: 'resume', id: 2, callId, after: 5 });
    await second.got({ event: 'complete', id: 2 });
    expect(codes(second.all().slice(2))).to.deep.equal(['cancelled']);
  });

  it('moves to the newer of two sockets, or to HTTP', async () => {
    await start();
    const first = await connect();
    first.say({ id: 1, detach: 60 });
    const { callId } = await first.got({ event: 'started' });
    const second = await connect();
    second.say({ event: 'resume', id: 2, callId });
    expect(await first.got({ event: 'complete' })).to.include({ id: 1, status: 'moved', chunks: 3 });
    const stream = await fetch(`${served.url}/calls/${callId}/events?after=6`, { headers: KEY });
    expect(stream.status, 'not so far yet').to.equal(400);
    const http = await fetch(`${served.url}/calls/${callId}/events`, { headers: KEY });
    expect(await second.got({ event: 'complete' })).to.include({ id: 2, status: 'moved' });
    gate.open();
    expect(await http.text()).to.contain(`id: ${callId}.8\n`);
    first.say({ id: 1 });
    await first.got({ event: 'started', id: 1 });
  });

  it('refuses what is not there with an error and a complete, ids that are taken, and too many at once', async () => {
    await start({});
    const client = await connect();
    client.say({ event: 'resume', id: 1, callId: 'nope' });
    await client.got({ event: 'complete', id: 1, status: 'error' });
    client.say({ event: 'resume', id: 2, callId: 7 });
    await client.got({ event: 'complete', id: 2, status: 'error' });
    client.say({ event: 'resume', id: 3, callId: 'nope', after: 'x' });
    await client.got({ event: 'complete', id: 3, status: 'error' });
    expect(codes(client.all())).to.deep.equal([
      ...['call_not_found', 'error', 'invalid_request', 'error', 'invalid_request', 'error'],
    ]);
    client.say({ event: 'resume', callId: 'nope' });
    await client.got({ event: 'error', id: null });
    client.say({ id: 'a', detach: 60 });
    const { callId } = await client.got({ event: 'started', id: 'a' });
    client.say({ event: 'resume', id: 'a', callId });
    await eventually(() => codes(client.all()).includes('duplicate_id'));
    const stranger = await connect('steps', { 'X-API-Key': 'second' });
    stranger.say({ event: 'resume', id: 1, callId });
    await stranger.got({ event: 'complete' });
    expect(codes(stranger.all())).to.deep.equal(['call_not_found', 'error']);
    for (let more = 1; more <= 8; more++)
      client.say({ id: `more-${more}`, detach: -1 + 2 * Number(more < 9) });
    await client.got({ event: 'complete', id: 'more-8', status: 'error' });
    client.say({ event: 'resume', id: 'one-more', callId });
    await client.got({ event: 'complete', id: 'one-more', status: 'error' });
    expect(codes(client.all()).filter((code) => code === 'overloaded')).to.have.length(2);
  });

  it('asks again what nobody has answered', async () => {
    await start();
    const first = await connect('asks');
    first.say({ id: 1, detach: 60 });
    const { callId } = await first.got({ event: 'started' });
    await first.got({ event: 'elicit', ask: 1 });
    first.say({ event: 'answer', id: 1, ask: 1, result: 'one' });
    await first.got({ event: 'elicit', ask: 2 });
    first.leave();
    const second = await connect('asks');
    second.say({ event: 'resume', id: 2, callId, after: 0 });
    await second.got({ event: 'elicit', ask: 2 });
    second.say({ event: 'answer', id: 2, ask: 2, result: 'two' });
    expect((await second.got({ event: 'complete' }))['data']).to.deep.equal(['one', 'two']);
    expect(second.all().map(({ event }) => event)).to.deep.equal(['elicit', 'complete']);
  });

  it('is made once with an idempotency key, over HTTP too', async () => {
    await start();
    const first = await connect();
    first.say({ id: 1, idempotencyKey: 'k', arguments: { a: 1, b: 2 } });
    const { callId, seq } = await first.got({ event: 'started' });
    expect(seq).to.equal(0);
    await first.got({ event: 'chunk', index: 2 });
    first.leave();
    await eventually(() => served.meters.websocket.connections === 0);
    gate.open();
    const second = await connect();
    second.say({ event: 'call', id: 'again', idempotencyKey: 'k', arguments: { b: 2, a: 1 } });
    expect(await second.got({ event: 'complete' })).to.include({ id: 'again', data: 'all' });
    expect(second.all()[0]).to.include({ event: 'started', callId });
    expect(second.all().map((message) => message['seq'])).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 8]);
    const headers = { ...JSON_POST.headers, 'Idempotency-Key': 'k' };
    const body = JSON.stringify({ arguments: { a: 1, b: 2 } });
    const http = await fetch(`${served.url}/tools/steps`, { ...JSON_POST, headers, body });
    expect([http.headers.get('x-call-id'), http.headers.get('idempotent-replay')]).to.deep.equal([
      callId,
      'true',
    ]);
    second.say({ id: 'other', idempotencyKey: 'k', arguments: {} });
    await second.got({ event: 'complete', id: 'other', status: 'error' });
    second.say({ id: 'bad', idempotencyKey: 'two words' });
    await second.got({ event: 'complete', id: 'bad', status: 'error' });
    expect(codes(second.all()).slice(-4)).to.deep.equal([
      'idempotency_mismatch',
      'error',
      'invalid_request',
      'error',
    ]);
    expect(runs).to.equal(1);
  });

  it('is cancelled by its id at once, also while it is being found, and whatever it waits for', async () => {
    await start();
    const client = await connect();
    client.say({ id: 1, idempotencyKey: 'k' });
    client.say({ event: 'cancel', id: 1 });
    await client.got({ event: 'complete', id: 1, status: 'cancelled' });
    client.say({ id: 2, detach: 60 });
    await client.got({ event: 'started', id: 2 });
    client.say({ event: 'cancel', id: 2 });
    await client.got({ event: 'complete', id: 2, status: 'cancelled' });
    const failed = await connect('fails');
    failed.say({ id: 1, detach: 1 });
    await failed.got({ event: 'complete', status: 'error' });
    expect(failed.all().map(({ seq }) => seq)).to.deep.equal([0, 1, 2]);
  });
});
