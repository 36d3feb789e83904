/** Idempotency keys over HTTP: whatever breaks when, a tool runs once. */
import { expect } from 'chai';
import { DrainGate } from '../../lib/async/drain-gate.ts';
import { ToolError } from '../../lib/call/tool-error.ts';
import { eventually } from '../support/eventually.ts';
import { endOf, failure, result, type Script } from './scripted-runner.ts';
import { JSON_POST, type Started, type StartOptions, startTransports } from './start-transports.ts';

describe('an idempotency key', () => {
  let served: Started;
  let runs = 0;
  const gate = new DrainGate();
  const scripts: Record<string, Script> = {
    async *add({ arguments: { n } }) {
      runs++;
      yield { type: 'started' };
      yield { type: 'chunks', index: 0, items: ['"a"', '"b"'] };
      await gate.opened();
      yield n === undefined ? result(undefined, 2) : result(n, 2);
    },
    async *listing() {
      runs++;
      yield { type: 'started' };
      yield { type: 'chunks', index: 0, items: ['"a"', '"b"'] };
      yield { ...(result(undefined, 2) as object), data: '["a","b"]' } as never;
    },
    /** As a runner answers a stream whose list is too long to be repeated. */
    async *long() {
      runs++;
      yield { type: 'started' };
      yield { type: 'chunks', index: 0, items: ['"a"', '"b"'] };
      yield { type: 'chunks', index: 2, items: ['"c"'] };
      yield result(undefined, 3);
    },
    async *fails() {
      runs++;
      yield { type: 'started' };
      yield failure(new ToolError('tool_failed', 'no luck'));
    },
    async *refuses({ arguments: { code } }) {
      runs++;
      yield failure(new ToolError(code as 'overloaded', 'not now'));
    },
  };
  const start = async (options: StartOptions = {}) => {
    runs = 0;
    served = await startTransports(scripts, options);
  };
  afterEach(() => served.close());
  interface Sent {
    readonly key?: string;
    readonly body?: object | string;
    readonly headers?: Record<string, string>;
    readonly signal?: AbortSignal;
  }
  const post = (path: string, { key = 'k-1', body = {}, headers = {}, signal }: Sent = {}) =>
    fetch(`${served.url}/tools/${path}`, {
      ...JSON_POST,
      headers: { ...JSON_POST.headers, 'Idempotency-Key': key, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...(signal && { signal }),
    });
  const answer = async (response: Response) => {
    const text = await response.text();
    const [status, replay] = [response.status, response.headers.get('idempotent-replay')];
    return { status, replay, callId: response.headers.get('x-call-id'), text };
  };
  const codeOf = async (response: Response) => [
    response.status,
    ((await response.json()) as { code: string }).code,
  ];

  it('gives a retry the same answer, key order aside', async () => {
    await start();
    const first = await answer(
      await post('listing', { body: '{"arguments":{"a":1,"b":[{"c":1,"d":2}]},"x":1}' }),
    );
    const again = await answer(
      await post('listing', { body: '{"x":1,"arguments":{"b":[{"d":2,"c":1}],"a":1}}' }),
    );
    expect(first).to.include({ status: 200, replay: null });
    expect(again).to.deep.equal({ ...first, replay: 'true' });
    expect(runs).to.equal(1);
  });

  it('gives a stream to who asks for one, and an answer to who asks for that, of the one call', async () => {
    await start();
    for (const tool of ['listing', 'long']) {
      const [sync, stream] = [
        await answer(await post(tool, { key: `${tool}-1` })),
        await answer(await post(`${tool}/stream`, { key: `${tool}-1` })),
      ];
      expect(stream.callId).to.equal(sync.callId);
      const [streamed, synced] = [
        await answer(await post(`${tool}/stream`, { key: `${tool}-2` })),
        await answer(await post(tool, { key: `${tool}-2` })),
      ];
      expect(synced.callId).to.equal(streamed.callId);
      expect(streamed.text.replaceAll(String(streamed.callId), '')).to.equal(
        stream.text.replaceAll(String(stream.callId), ''),
      );
      expect(synced).to.include({ status: 200, replay: 'true' });
      expect(JSON.parse(synced.text).data).to.deep.equal(tool === 'long' ? ['a', 'b', 'c'] : ['a', 'b']);
    }
    expect(runs).to.equal(4);
  });

  it('repeats in a stream no more than that would have repeated', async () => {
    await start({ repeatBytes: 5 });
    const sync = await answer(await post('listing'));
    expect(JSON.parse(sync.text).data).to.deep.equal(['a', 'b']);
    expect((await answer(await post('listing/stream'))).text).to.contain(
      '"data":null,"omitted":true,"chunks":2',
    );
  });

  it('attaches to a call that still runs, and the one before is told so', async () => {
    await start();
    const first = post('add', { body: { arguments: { n: 1 } } });
    await eventually(() => runs === 1);
    const second = post('add', { body: { arguments: { n: 1 } } });
    expect(await codeOf(await first)).to.deep.equal([409, 'conflict']);
    const third = await post('add/stream', { body: { arguments: { n: 1 } } });
    expect(await codeOf(await second)).to.deep.equal([409, 'conflict']);
    gate.open();
    const { text, replay } = await answer(third);
    expect(replay).to.equal('true');
    expect(text).to.contain('.1\nevent: chunk').and.contain('"data":1,');
    expect(runs).to.equal(1);
  });

  it('makes one call of many that arrive at once', async () => {
    await start();
    const all = Array.from({ length: 20 }, () => post('add', { body: { arguments: { n: 1 } } }));
    await eventually(() => runs > 0);
    await eventually(() => served.runner.calls.length === 1);
    // All but one have been taken over by now, or will be: the last one gets the answer.
    const opening = setInterval(() => gate.open(), 20);
    const statuses = await Promise.all(all.map(async (one) => (await one).status));
    clearInterval(opening);
    expect(runs).to.equal(1);
    expect(new Set(statuses)).to.satisfy((seen: Set<number>) =>
      [...seen].every((status) => [200, 409].includes(status)),
    );
    expect(statuses).to.include(200);
  });

  it('lets a call go on whose client left, and answers its retry', async () => {
    await start();
    const cut = new AbortController();
    const first = post('add', { body: { arguments: { n: 7 } }, signal: cut.signal }).catch(() => undefined);
    await eventually(() => runs === 1);
    cut.abort();
    await first;
    const ended = endOf(served.runner.calls[0]);
    gate.open();
    expect((await ended).type).to.equal('result');
    const again = await answer(await post('add', { body: { arguments: { n: 7 } } }));
    expect(again).to.include({ status: 200, replay: 'true' });
    expect(JSON.parse(again.text).data).to.equal(7);
    expect(runs).to.equal(1);
  });

  it('is refused with another body or tool, and is another one for another API key', async () => {
    await start();
    await answer(await post('listing', { body: { arguments: { a: 1 } } }));
    const mismatch = [422, 'idempotency_mismatch'];
    expect(await codeOf(await post('listing', { body: { arguments: { a: 2 } } }))).to.deep.equal(mismatch);
    expect(
      await codeOf(await post('listing', { body: { arguments: { a: 1 }, timeoutMs: 9 } })),
    ).to.deep.equal(mismatch);
    expect(await codeOf(await post('long', { body: { arguments: { a: 1 } } }))).to.deep.equal(mismatch);
    expect(runs).to.equal(1);
    const other = await answer(await post('listing', { body: {}, headers: { 'X-API-Key': 'second' } }));
    expect(other).to.include({ status: 200, replay: null });
  });

  it('is not used up by a refusal, and is by a failure', async () => {
    await start();
    for (const code of ['overloaded', 'unavailable', 'invalid_arguments', 'rate_limited']) {
      const sent = { key: code, body: { arguments: { code } } };
      for (let attempt = 0; attempt < 2; attempt++) {
        const { replay, text } = await answer(await post('refuses', sent));
        expect([JSON.parse(text).code, replay]).to.deep.equal([code, null]);
      }
      await answer(await post('listing', { key: code }));
    }
    expect(runs).to.equal(12);
    for (const bad of [
      { key: 'b', body: '[]' },
      { key: 'b', body: '{"arguments":1}' },
    ]) {
      expect((await post('listing', bad)).status).to.equal(400);
    }
    expect(await answer(await post('listing', { key: 'b' }))).to.include({ replay: null });
    const first = await answer(await post('fails', { key: 'f' }));
    const again = await answer(await post('fails', { key: 'f' }));
    expect([first.status, again.status, again.replay]).to.deep.equal([500, 500, 'true']);
    expect(JSON.parse(again.text)).to.include({ code: 'tool_failed', callId: first.callId });
    const stream = await answer(await post('fails/stream', { key: 'f' }));
    expect(stream).to.include({ status: 200, replay: 'true' });
    expect(stream.text).to.contain('event: error').and.contain('{"status":"error"}');
    expect(runs).to.equal(14);
  });

  it('keeps its call from a second run when that was cancelled, whether it had begun or not', async () => {
    await start();
    const first = post('add', { body: { detach: 0 } });
    await eventually(() => runs === 1);
    served.runner.calls[0]?.cancel('cancelled');
    expect(await codeOf(await first)).to.deep.equal([499, 'cancelled']);
    expect(await codeOf(await post('add', { body: { detach: 0 } }))).to.deep.equal([499, 'cancelled']);
    expect(runs).to.equal(1);
  });

  it('outlives the events of its call', async () => {
    await start({ resumeTotalBytes: 64 * 1024 });
    await answer(await post('listing'));
    for (let others = 0; others < 100; others++) {
      await answer(await post('listing/stream', { key: `other-${others}` }));
    }
    expect(await codeOf(await post('listing'))).to.deep.equal([410, 'gone']);
    expect(await codeOf(await post('listing/stream'))).to.deep.equal([410, 'gone']);
    expect(runs).to.equal(101);
  });

  it('is free again when RESUME_TTL has passed', async () => {
    await start({ resumeTtlMs: 50 });
    await answer(await post('listing'));
    await eventually(async () => {
      await answer(await post('listing'));
      return runs === 2;
    });
  });

  it('is 1 to 128 visible ASCII characters', async () => {
    await start();
    for (const key of ['', 'two words', 'é', 'x'.repeat(129)])
      expect(await codeOf(await post('listing', { key })), key).to.deep.equal([400, 'invalid_request']);
    expect((await post('listing', { key: 'x'.repeat(128) })).status).to.equal(200);
    expect(runs).to.equal(1);
  });

  it('is one of ten thousand at most, an API key', async () => {
    await start();
    const caller = { keyId: 'k', transport: 'http' };
    const request = { name: 'listing', arguments: {}, caller, streams: false, repeatBytes: 1000 };
    for (let made = 0; made < 10_000; made++) {
      const call = await served.dispatcher.callOnce(request, { key: String(made), body: {} });
      if (made % 1000 === 0) await call.outcome();
    }
    const full = await served.dispatcher
      .callOnce(request, { key: 'more', body: {} })
      .catch((error: ToolError) => error);
    expect(full).to.include({ code: 'overloaded' });
    expect((await post('listing')).status, 'another API key').to.equal(200);
  });
});
