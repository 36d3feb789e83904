/** Calls that go on without a reader: how long, how far, and what a reader who comes back gets. */
import { expect } from 'chai';
import { DrainGate } from '../../lib/async/drain-gate.ts';
import type { ToolEvent } from '../../lib/call/call-events.ts';
import { eventually } from '../support/eventually.ts';
import { endOf, result, type Script } from './scripted-runner.ts';
import { JSON_POST, KEY, type Started, type StartOptions, startTransports } from './start-transports.ts';

interface Shown {
  readonly status: string;
  readonly chunks: number;
  readonly data?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
}

describe('a detached call', () => {
  let served: Started;
  let runs = 0;
  /** How far the tool of `long` has come. */
  let yielded = 0;
  const gate = new DrainGate();
  const chunk = (index: number, pad: number): ToolEvent => ({
    type: 'chunks',
    index,
    items: [JSON.stringify(String(index).padEnd(pad))],
  });
  const scripts: Record<string, Script> = {
    /** Chunks of a kilobyte, all but the first when the gate is opened. */
    async *long({ arguments: { n } }) {
      yield { type: 'started' };
      yield chunk(0, 1000);
      await gate.opened();
      for (yielded = 1; yielded < Number(n); yielded++) yield chunk(yielded, 1000);
      yield result('all', Number(n));
    },
    async *gated({ signal }) {
      runs++;
      yield { type: 'started' };
      yield chunk(0, 1);
      await gate.opened();
      if (signal.aborted) return;
      yield chunk(1, 1);
      yield result(undefined, 2);
    },
  };
  const start = async (options: StartOptions = {}) => {
    served = await startTransports(scripts, options);
  };
  afterEach(() => served.close());
  const post = (path: string, body: object, signal?: AbortSignal) =>
    fetch(`${served.url}/tools/${path}`, {
      ...JSON_POST,
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
  const get = (path: string) => fetch(served.url + path, { headers: KEY });
  const shown = async (callId: string) => (await (await get(`/calls/${callId}`)).json()) as Shown;
  /** Begins a stream and leaves it at once. @returns the call's id. */
  async function leave(tool: string, body: object): Promise<string> {
    const cut = new AbortController();
    const response = await post(`${tool}/stream`, body, cut.signal);
    cut.abort();
    return response.headers.get('x-call-id') ?? '';
  }

  it('goes on to its end, and gives all of it to who comes back', async () => {
    await start();
    const callId = await leave('gated', { detach: 60 });
    await eventually(() => served.meters.sse.streams === 0);
    gate.open();
    await eventually(async () => (await shown(callId)).status === 'success');
    expect(await shown(callId)).to.deep.include({ chunks: 2, data: null });
    expect(await (await get(`/calls/${callId}/events`)).text())
      .to.contain('{"index":1,')
      .and.contain('complete');
  });

  it('waits so long and no longer, never longer than DETACH_MAX', async () => {
    await start({ detachMaxMs: 80 });
    for (const detach of [0.08, 1e9]) {
      const callId = await leave('gated', { detach });
      const end = await endOf(served.runner.calls.at(-1));
      expect(end.type === 'error' && end.error.code).to.equal('cancelled');
      expect(await shown(callId))
        .to.have.property('error')
        .that.includes({
          code: 'cancelled',
          message: 'no reader came back for the call within 0.08 s',
        });
    }
    await leave('gated', { detach: 0 });
    await endOf(served.runner.calls.at(-1));
  });

  it('waits anew after each reader', async () => {
    await start();
    const callId = await leave('gated', { detach: 60 });
    for (let readers = 0; readers < 3; readers++) {
      const cut = new AbortController();
      await fetch(`${served.url}/calls/${callId}/events`, { headers: KEY, signal: cut.signal });
      cut.abort();
      await eventually(() => served.meters.sse.streams === 0);
    }
    expect(await shown(callId)).to.include({ status: 'running' });
    const last = await get(`/calls/${callId}/events`);
    gate.open();
    expect(await last.text()).to.contain('complete');
  });

  it('runs ahead of who left by less than what is kept, holds, and loses nothing', async () => {
    const resumeBytes = 256 * 1024;
    await start({ resumeBytes });
    const n = 2000;
    const callId = await leave('long', { arguments: { n }, detach: 60, result: 'none' });
    await eventually(() => served.meters.sse.streams === 0);
    gate.open();
    let before = -1;
    await eventually(async () => {
      const isStill = before === yielded;
      before = yielded;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return isStill;
    });
    expect(before * 1000).to.be.within(resumeBytes / 4, resumeBytes * 2);
    expect(await shown(callId)).to.include({ status: 'running' });
    const after = Math.max(0, (await shown(callId)).chunks - 150);
    const rest = await (await get(`/calls/${callId}/events?after=${after}`)).text();
    const ids = [...rest.matchAll(/^id: [\w-]+\.(\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids).to.deep.equal(Array.from({ length: n + 2 - after }, (_, at) => after + 1 + at));
  });

  it('is taken from its reader on demand, who has all that it will get; going on there misses nothing', async () => {
    await start({ resumeBytes: 64 * 1024 });
    const n = 12_000; // more than all sockets on the way hold
    const reading = await post('long/stream', { arguments: { n }, detach: 60, result: 'none' });
    const callId = reading.headers.get('x-call-id') ?? '';
    gate.open();
    await eventually(() => yielded > 100);
    const released = await fetch(`${served.url}/calls/${callId}/events`, { ...JSON_POST, method: 'DELETE' });
    expect(released.status).to.equal(204);
    const idsIn = (text: string) => [...text.matchAll(/^id: [\w-]+\.(\d+)$/gm)].map(([, id]) => Number(id));
    const text = await reading.text();
    const seen = idsIn(text);
    expect(text).to.match(/"status":"moved"\}\n\n$/);
    expect(await shown(callId)).to.include({ status: 'running' });
    const rest = await (await get(`/calls/${callId}/events?after=${seen.at(-1)}`)).text();
    expect([...seen, ...idsIn(rest)]).to.deep.equal(Array.from({ length: n + 2 }, (_, at) => at + 1));
    expect(
      (await fetch(`${served.url}/calls/nope/events`, { headers: KEY, method: 'DELETE' })).status,
    ).to.equal(404);
    const bound = await post('gated/stream', {});
    const id = bound.headers.get('x-call-id');
    const refused = await fetch(`${served.url}/calls/${id}/events`, { headers: KEY, method: 'DELETE' });
    expect(refused.status).to.equal(412);
    await bound.body?.cancel();
  });

  it('is kept and readable where it was made for its end alone; who waits is told when another reads it', async () => {
    await start();
    runs = 0;
    const waiting = post('gated', { detach: 60 });
    await eventually(() => served.runner.calls.length === 1);
    const callId = served.runner.calls[0]?.callId ?? '';
    const stream = await get(`/calls/${callId}/events`);
    const conflict = await waiting;
    expect([conflict.status, conflict.headers.get('x-call-id')]).to.deep.equal([409, callId]);
    expect(await conflict.json()).to.include({ code: 'conflict', callId });
    gate.open();
    expect(await stream.text())
      .to.contain('{"index":0,')
      .and.contain('{"index":1,')
      .and.contain('"complete"');
    expect(runs).to.equal(1);
  });

  it('refuses a wait that is none', async () => {
    await start();
    for (const detach of [-1, 'x', null, true]) {
      const response = await post('gated/stream', { detach });
      expect(response.status, String(detach)).to.equal(400);
      expect(((await response.json()) as { detail: string }).detail).to.match(
        /^"detach" is .+ number of seconds/,
      );
    }
  });
});
