import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { TerminalEvent, ToolEvent } from '../../../lib/call/call-events.ts';
import type { ToolCall } from '../../../lib/runners/threads/tool-call.ts';
import type { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../../support/eventually.ts';
import { makeFifo } from '../../support/fifo.ts';
import { call, eventsOf, startPool } from '../../support/start-pool.ts';

const codeOf = (end: TerminalEvent): string => (end.type === 'error' ? end.error.code : 'success');
const typesOf = (events: readonly ToolEvent[]): string[] => events.map((event) => event.type);
const dataOf = (end: TerminalEvent): unknown =>
  end.type === 'result' && end.data !== null ? JSON.parse(end.data) : undefined;

describe('WorkerPool', () => {
  let pool: WorkerPool;
  const start = async (...given: Parameters<typeof startPool>) => {
    pool = await startPool(...given);
    return pool;
  };
  afterEach(() => pool.close());

  describe('a call', () => {
    it('gives started, its chunks in order and one result', async () => {
      await start();
      const events = await eventsOf(call(pool, 'count', { n: 5000 }));
      expect(events[0]).to.deep.equal({ type: 'started' });
      const items = events.flatMap((event) => (event.type === 'chunks' ? event.items : []));
      expect(items).to.deep.equal(Array.from({ length: 5000 }, (_, i) => `{"i":${i}}`));
      expect(typesOf(events).filter((type) => type === 'result')).to.have.length(1);
      expect(events.at(-1)).to.include({ type: 'result', chunks: 5000, repeats: true });
    });

    it('ran as long as its thread says, however long its answer takes', async () => {
      await start();
      const one = call(pool, 'sum', { n: 4 }) as ToolCall;
      await one.outcome();
      const { ranMs } = one;
      expect(ranMs).to.be.above(0);
      const until = performance.now() + 5;
      while (performance.now() < until);
      expect(one.ranMs).to.equal(ranMs);
    });

    it('ran no longer than it has been there, whatever its thread says', async () => {
      await start();
      const one = call(pool, 'sum', { n: 4 }) as ToolCall;
      const error = { code: 'internal', message: 'm', retryable: false } as const;
      one.receive({ type: 'error', call: one.number, chunks: 0, error, ranMs: 1e300 });
      expect(one.ranMs).to.be.within(0, 60_000);
      expect(one.waitedMs).to.be.within(0, 60_000);
    });

    it('loses no chunk of short calls, one after the other', async () => {
      await start();
      for (let round = 0; round < 100; round++) {
        const events = await eventsOf(call(pool, 'count', { n: 50 }));
        const indexes = events.flatMap((event) =>
          event.type === 'chunks' ? event.items.map((_, at) => event.index + at) : [],
        );
        expect(indexes).to.deep.equal(Array.from({ length: 50 }, (_, i) => i));
      }
    });

    it('gives what the tool returned, with its meta, instead of the list of chunks', async () => {
      await start();
      const end = await call(pool, 'sum', { n: 4 }).outcome();
      expect(end).to.include({
        data: '{"total":10}',
        repeats: false,
        shape: 'object',
        chunks: 4,
        meta: '{"counted":4}',
      });
    });

    it('streams an async generator that a plain async tool returned', async () => {
      await start();
      expect(await call(pool, 'returns_stream').outcome()).to.include({ data: '[1,2]', chunks: 2 });
    });

    it('sends nothing else to a caller that wants only the end, and collects them for it', async () => {
      await start();
      const running = call(pool, 'count', { n: 300 }, { streams: false, repeatBytes: 1_000_000 });
      const events = await eventsOf(running);
      expect(typesOf(events)).to.deep.equal(['result']);
      expect(running.hasStarted).to.equal(true);
      expect(dataOf(events[0] as TerminalEvent)).to.have.length(300);
    });

    it('leaves the repeat out of a stream above its cap, and fails a collected list above it', async () => {
      await start();
      const streamed = await call(pool, 'count', { n: 100 }, { repeatBytes: 100 }).outcome();
      expect(streamed).to.include({ type: 'result', data: null, repeats: true, chunks: 100 });
      const collected = await call(pool, 'count', { n: 100 }, { repeatBytes: 100, streams: false }).outcome();
      expect(codeOf(collected)).to.equal('result_too_large');
    });

    it('checks arguments by zod, asynchronous rules included, and by raw JSON Schema', async () => {
      await start();
      for (const [tool, args] of [
        ['echo', { text: 7 }],
        ['async_rule', { n: -1 }],
        ['raw_schema', { n: 'x' }],
      ] as const) {
        const end = await call(pool, tool, args).outcome();
        expect(codeOf(end)).to.equal('invalid_arguments');
        const details =
          end.type === 'error' ? (end.error.details as { issues: { path: string }[] }) : undefined;
        expect(details?.issues[0]?.path).to.be.a('string');
      }
      expect(dataOf(await call(pool, 'async_rule', { n: 1 }).outcome())).to.equal(1);
      expect(dataOf(await call(pool, 'raw_schema', { n: 1 }).outcome())).to.deep.equal({ n: 1 });
    });

    it('keeps every progress report of a tool that reports ten times a second, in order', async () => {
      await start();
      const events = await eventsOf(call(pool, 'report', { n: 15, everyMs: 100 }));
      const values = events.flatMap((event) => (event.type === 'progress' ? [event.progress] : []));
      expect(values).to.deep.equal(Array.from({ length: 15 }, (_, i) => i + 1));
    });

    it('thins a flood of progress to growing values of which the last is the last reported', async () => {
      await start();
      const events = await eventsOf(call(pool, 'misbehave', { how: 'flood-progress' }));
      const values = events.flatMap((event) => (event.type === 'progress' ? [event.progress] : []));
      expect(values.length).to.be.within(2, 200);
      expect(values).to.deep.equal([...values].sort((a, b) => a - b));
      expect(values.at(-1)).to.equal(1_000_000);
    });

    it('gives a tool no answer that is none to what was asked', async () => {
      await start();
      for (const value of [
        undefined,
        null,
        'yes',
        [],
        {},
        { action: 'nope' },
        { content: { colour: 'red' } },
      ]) {
        const running = call(pool, 'ask', {}, { abilities: { elicitForm: true } });
        const events: ToolEvent[] = [];
        for await (const event of running) {
          events.push(event);
          if (event.type === 'ask') running.answer(event.ask, { value });
        }
        const end = events.at(-1);
        expect(end).to.have.nested.property('error.code', 'failed_precondition');
        expect(end)
          .to.have.nested.property('error.message')
          .that.matches(/none to what was asked \(elicit\)/);
      }
    });

    it('lets a tool ask its client, and refuses where the client cannot answer', async () => {
      await start();
      const running = call(pool, 'ask', {}, { abilities: { elicitForm: true } });
      const events: ToolEvent[] = [];
      for await (const event of running) {
        events.push(event);
        if (event.type === 'ask')
          running.answer(event.ask, { value: { action: 'accept', content: { colour: 'red' } } });
      }
      expect(dataOf(events.at(-1) as TerminalEvent)).to.have.nested.property('answer.content.colour', 'red');
      expect(codeOf(await call(pool, 'ask').outcome())).to.equal('failed_precondition');
    });
  });

  describe('many calls', () => {
    it('are answered while more of them come, before the event loop turns', async () => {
      await start({ minThreads: 2, maxThreads: 2, callsPerThread: 1000, queueLimit: 1000 });
      let hasTurned = false;
      let answers = 0;
      setImmediate(() => {
        hasTurned = true;
      });
      // Microtasks alone: what comes by the event loop does not come meanwhile.
      const outcomes: Promise<TerminalEvent>[] = [];
      while (answers === 0 && outcomes.length < 1000) {
        const asked = performance.now();
        const end = call(pool, 'echo', { text: 'x' }, { streams: false }).outcome();
        outcomes.push(end);
        void end.then(() => answers++);
        while (performance.now() < asked + 1) await null;
      }
      expect(hasTurned).to.equal(false);
      expect(answers).to.be.above(0);
      for (const end of await Promise.all(outcomes)) expect(codeOf(end)).to.equal('success');
    });
  });

  describe('back-pressure', () => {
    it('holds a tool at its yield while nobody reads, and lets it go on when somebody does', async () => {
      await start({ minThreads: 1, maxThreads: 1 });
      const running = call(pool, 'flood', { bytes: 1000 });
      const reader = running[Symbol.asyncIterator]();
      await reader.next();
      const yielded = async () => dataOf(await call(pool, 'flood_count').outcome()) as number;
      let before = -1;
      const held = await eventually(async () => {
        const now = await yielded();
        const isHeld = now > 0 && now === before;
        before = now;
        return isHeld ? now : 0;
      });
      expect(held).to.be.below(3000);
      for (let events = 0; events < 30; events++) await reader.next();
      expect(await eventually(async () => (await yielded()) > held)).to.equal(true);
      await reader.return?.();
      await eventually(async () => (await yielded()) < 0, { what: "the tool's finally block" });
    });

    it('moves chunks that are each larger than the credit', async () => {
      await start();
      const events = await eventsOf(call(pool, 'count', { n: 12, pad: 3_000_000 }));
      expect(events.at(-1)).to.include({ type: 'result', chunks: 12 });
    });
  });

  describe('cancel', () => {
    for (const tool of ['wait', 'wait_alone', 'yield_loop', 'progress_loop']) {
      it(`reaches ${tool} through its signal, without killing its thread`, async () => {
        await start({ cancelGraceMs: 20_000 });
        const running = call(pool, tool, { ms: 60_000 });
        await running[Symbol.asyncIterator]().next();
        running.cancel('cancelled');
        expect(codeOf(await running.outcome())).to.equal('cancelled');
        await eventually(() => pool.stats().own.summary.workers.busy === 0);
        expect(pool.stats().own.details.pool.kills).to.equal(0);
      });
    }

    it('ends a spinning call for its caller at once and kills its thread after the grace', async () => {
      await start();
      const running = call(pool, 'spin');
      await running[Symbol.asyncIterator]().next();
      running.cancel('deadline_exceeded');
      expect(codeOf(await running.outcome())).to.equal('deadline_exceeded');
      expect(pool.stats().own.summary.workers.busy).to.equal(1);
      await eventually(
        () => pool.stats().own.details.pool.kills === 1 && pool.stats().own.summary.workers.busy === 0,
      );
      expect(codeOf(await call(pool, 'sum', { n: 1 }).outcome())).to.equal('success');
    });

    it('starts the successor of a full pool in good time, and hands it calls when the thread is killed', async () => {
      await start({ minThreads: 1, maxThreads: 1, cancelGraceMs: 10_000, queueWaitMs: 20_000 });
      const story: string[] = [];
      pool.listen({ unit: ({ kind, id }) => story.push(`${kind} ${id}`) });
      const spinning = call(pool, 'spin');
      await spinning[Symbol.asyncIterator]().next();
      spinning.cancel('cancelled');
      const waiting = call(pool, 'sum', { n: 2 });
      const first = await waiting[Symbol.asyncIterator]().next();
      story.push(first.value.type);
      expect(story.filter((step) => step !== 'ended 1')).to.deep.equal(['started 2', 'killed 1', 'started']);
      await eventually(() => pool.stats().own.details.workers.length === 1, {
        what: 'the end of the killed thread',
      });
      expect(codeOf(await waiting.outcome())).to.equal('success');
    });

    it('lets the successor go when the cancelled tool stops by itself after all', async function () {
      if (process.platform === 'win32') this.skip();
      // Half of it before the successor starts, half of it for the tool to stop once that was seen.
      await start({ minThreads: 1, maxThreads: 1, cancelGraceMs: 8000 }, ['basic-tools', 'stuck-tools']);
      const folder = mkdtempSync(join(tmpdir(), 'successor-'));
      const fifo = makeFifo(folder);
      const holding = call(pool, 'stuck_in_open', { path: fifo.path });
      await holding[Symbol.asyncIterator]().next();
      holding.cancel('cancelled');
      await eventually(() => pool.stats().own.details.workers.length === 2);
      expect(pool.stats().own.summary.workers).to.include({ alive: 1, busy: 1 });
      fifo.release();
      rmSync(folder, { recursive: true });
      await eventually(
        () => pool.stats().own.details.workers.length === 1 && pool.stats().own.summary.workers.idle === 1,
      );
      expect(pool.stats().own.details.pool).to.include({ kills: 0, scaleDowns: 1 });
      expect(pool.stats().own.details.workers[0]?.id).to.equal(1);
      expect(codeOf(await call(pool, 'sum', { n: 1 }).outcome())).to.equal('success');
    });

    it('reaches a call that is still on its way to its thread', async () => {
      await start({ minThreads: 1, maxThreads: 1, cancelGraceMs: 20_000 });
      for (let round = 0; round < 300; round++) {
        const running = call(pool, 'wait', { ms: 60_000 });
        if (round % 3 === 1) await new Promise((resolve) => setImmediate(resolve));
        running.cancel('cancelled');
        expect(codeOf(await running.outcome())).to.equal('cancelled');
      }
      await eventually(() => pool.stats().own.summary.workers.busy === 0);
      expect(pool.stats().own.details.pool.kills).to.equal(0);
    });

    it('takes a waiting call out of the queue before it runs', async () => {
      await start({ minThreads: 1, maxThreads: 1 });
      const first = call(pool, 'wait_alone', { ms: 60_000 });
      const second = call(pool, 'sum', { n: 1 });
      expect(pool.stats().queue.depth).to.equal(1);
      second.cancel('cancelled');
      expect(codeOf(await second.outcome())).to.equal('cancelled');
      expect(pool.stats().queue.depth).to.equal(0);
      first.cancel('cancelled');
    });

    it('gives chunks that are already in the gateway before the end', async () => {
      await start({ minThreads: 1, maxThreads: 1 });
      const running = call(pool, 'count', { n: 40 });
      let ended = false;
      running.onEnd(() => {
        ended = true;
      });
      await eventually(() => ended);
      const other = call(pool, 'flood', { bytes: 1000 });
      const reader = other[Symbol.asyncIterator]();
      await reader.next();
      // It has come to the end of its credit: all of that is in the gateway.
      let before = -1;
      await eventually(async () => {
        const now = dataOf(await call(pool, 'flood_count').outcome()) as number;
        const isHeld = now > 100 && now === before;
        before = now;
        return isHeld;
      });
      other.cancel('cancelled');
      const rest = await eventsOf({ ...other, [Symbol.asyncIterator]: () => reader } as typeof other);
      expect(typesOf(rest)[0]).to.equal('chunks');
      expect(rest.at(-1)).to.include({ type: 'error' });
      expect(typesOf(await eventsOf(running)).at(-1)).to.equal('result');
    });
  });

  describe('the queue', () => {
    it('refuses what exceeds its limit and what waits too long', async () => {
      await start({ minThreads: 1, maxThreads: 1, queueLimit: 1, queueWaitMs: 100 });
      const busy = call(pool, 'wait_alone', { ms: 60_000 });
      const waits = call(pool, 'sum', { n: 1 });
      const refused = call(pool, 'sum', { n: 1 });
      expect(codeOf(await refused.outcome())).to.equal('overloaded');
      const end = await waits.outcome();
      expect(end).to.have.nested.property('error.code', 'overloaded');
      expect(end).to.have.nested.property('error.retryAfterMs').that.is.above(0);
      busy.cancel('cancelled');
    });

    it('has room for a burst that threads which have yet to start will take, and for its limit beyond', async () => {
      await start({ minThreads: 1, maxThreads: 3, callsPerThread: 8, queueLimit: 2, queueWaitMs: 60_000 });
      await eventually(() => pool.stats().own.summary.workers.idle === 1);
      const burst = Array.from({ length: 26 }, () => call(pool, 'wait', { ms: 60_000 }));
      const over = call(pool, 'wait', { ms: 60_000 });
      expect(codeOf(await over.outcome())).to.equal('overloaded');
      await Promise.all(burst.slice(0, 24).map((running) => running[Symbol.asyncIterator]().next()));
      expect(pool.stats().queue.depth).to.equal(2);
      for (const running of burst) running.cancel('cancelled');
    });

    it('gives a key that comes its place and its turn, whatever another has waiting', async () => {
      await start({ minThreads: 1, maxThreads: 1, queueLimit: 4 });
      const by = (keyId: string) => ({ caller: { keyId, transport: 'http' } });
      const flood = Array.from({ length: 6 }, () => call(pool, 'wait_alone', { ms: 50 }, by('a')));
      const others = Array.from({ length: 2 }, () => call(pool, 'wait_alone', { ms: 1 }, by('b')));
      const order: string[] = [];
      for (const running of [...flood, ...others]) {
        running.onEnd((end) => order.push(`${running.request.caller.keyId} ${codeOf(end)}`));
      }
      const ends = await Promise.all(flood.map((running) => running.outcome()));
      // One runs, four wait; two of those make room.
      expect(ends.map(codeOf)).to.deep.equal([
        ...['success', 'success', 'success'],
        ...['overloaded', 'overloaded', 'overloaded'],
      ]);
      expect(order.slice(0, 3)).to.deep.equal(['a overloaded', 'a overloaded', 'a overloaded']);
      expect(order.slice(3)).to.deep.equal(['a success', 'b success', 'a success', 'b success', 'a success']);
    });

    it('says when it is worth coming back, by how long calls take and how many wait', async () => {
      await start({ minThreads: 1, maxThreads: 1, queueLimit: 4 });
      const held = Array.from({ length: 6 }, () => call(pool, 'wait_alone', { ms: 500 }));
      await held[1]?.outcome();
      for (const ms of [1, 1]) held.push(call(pool, 'wait_alone', { ms }));
      const end = await call(pool, 'sum', { n: 1 }).outcome();
      expect(end).to.have.nested.property('error.code', 'overloaded');
      expect(end).to.have.nested.property('error.retryAfterMs').that.is.within(1500, 30_000);
      for (const running of held) running.cancel('cancelled');
    });

    it('gives a shared call its thread although the queue is full of exclusive ones', async () => {
      await start({ minThreads: 2, maxThreads: 2, queueLimit: 3 });
      await eventually(() => pool.stats().own.summary.workers.idle === 2);
      const exclusives = Array.from({ length: 4 }, () => call(pool, 'wait_alone', { ms: 60_000 }));
      expect(pool.stats().queue.depth).to.equal(3);
      expect(codeOf(await call(pool, 'sum', { n: 1 }).outcome())).to.equal('overloaded');
      expect(codeOf(await call(pool, 'echo', { text: 'a' }).outcome())).to.equal('success');
      for (const running of exclusives) running.cancel('cancelled');
    });

    it('runs calls that waited behind a killed thread', async () => {
      await start({ minThreads: 1, maxThreads: 1 });
      const spinning = call(pool, 'spin');
      const waiting = call(pool, 'sum', { n: 2 });
      await spinning[Symbol.asyncIterator]().next();
      spinning.cancel('cancelled');
      expect(codeOf(await waiting.outcome())).to.equal('success');
    });
  });

  describe('scaling', () => {
    it('starts a thread for each exclusive call that waits, up to the maximum, and lets idle ones go', async () => {
      await start({ minThreads: 1, maxThreads: 4, idleMs: 200, queueWaitMs: 60_000 });
      const calls = Array.from({ length: 3 }, () => call(pool, 'wait_alone', { ms: 60_000 }));
      await Promise.all(calls.map((running) => running[Symbol.asyncIterator]().next()));
      expect(pool.stats().own.summary.workers).to.include({ busy: 3, alive: 3 });
      for (const running of calls) running.cancel('cancelled');
      await eventually(() => pool.stats().own.summary.workers.alive === 1);
      await eventually(() => pool.stats().own.details.pool.scaleDowns === 2);
      expect(pool.stats().own.details.pool.scaleUps).to.equal(2);
    });

    it('keeps a thread for shared calls however many exclusive ones come, and the other way round', async () => {
      await start({ minThreads: 2, maxThreads: 2, callsPerThread: 4 });
      const exclusives = Array.from({ length: 4 }, () => call(pool, 'wait_alone', { ms: 400 }));
      expect(codeOf(await call(pool, 'echo', { text: 'a' }).outcome())).to.equal('success');
      await eventually(() => pool.stats().own.summary.workers.busy === 1);
      await Promise.all(exclusives.map((running) => running.outcome()));

      let isOver = false;
      const keepCalling = async () => {
        while (!isOver) await call(pool, 'wait', { ms: 20 }).outcome();
      };
      const shared = Array.from({ length: 8 }, keepCalling);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(codeOf(await call(pool, 'sum', { n: 1 }).outcome())).to.equal('success');
      isOver = true;
      await Promise.all(shared);
    });
  });
});
