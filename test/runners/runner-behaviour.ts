/** What every runner does, whatever it runs tools with: the suite that a new one has to pass. */
import { expect } from 'chai';
import type { TerminalEvent, ToolEvent } from '../../lib/call/call-events.ts';
import type { CallRequest, RunningCall } from '../../lib/call/running-call.ts';
import type { Runner } from '../../lib/runners/runner.ts';
import { eventually } from '../support/eventually.ts';

export interface RunnerUnderTest {
  readonly runner: Runner;
  /** A streaming tool that yields `{"i": 0}`, `{"i": 1}` … up to `n`. */
  readonly count: string;
  /** One that goes on until it is told to stop. */
  readonly wait: string;
  /** One that yields for ever, and tells `yielded` how far it has come. */
  readonly flood: string;
  /** How often the flood has yielded; negative once its finally block has run. */
  yielded(): Promise<number>;
  /** Removes what was made for it, once it is closed. */
  end?(): void;
}

let calls = 0;

export function behavesLikeARunner(what: string, start: () => Promise<RunnerUnderTest>): void {
  describe(`${what}, as any runner,`, () => {
    let under: RunnerUnderTest;
    let runner: Runner;
    beforeEach(async () => {
      under = await start();
      runner = under.runner;
    });
    afterEach(async () => {
      await runner.close();
      under.end?.();
    });

    const call = (name: string, args: object = {}, more: Partial<CallRequest> = {}): RunningCall =>
      runner.call({
        name,
        arguments: args,
        caller: { keyId: 'test', transport: 'http' },
        streams: true,
        repeatBytes: 64 * 1024,
        callId: `behaviour-${++calls}`,
        ...more,
      });
    const read = async (running: RunningCall): Promise<ToolEvent[]> => {
      const events: ToolEvent[] = [];
      for await (const event of running) events.push(event);
      return events;
    };
    const codeOf = (end: TerminalEvent): string => (end.type === 'error' ? end.error.code : 'success');
    const started = async (running: RunningCall): Promise<void> => {
      await running[Symbol.asyncIterator]().next();
    };

    it('has a name, and a catalog that stays the same object', () => {
      expect(runner.name).to.match(/^[a-z][a-z-]*$/);
      expect(runner.catalog).to.equal(runner.catalog);
      expect(runner.catalog.tools.map(({ name }) => name)).to.include.members([under.count, under.wait]);
    });

    it('streams started, chunks in order without gaps, and one end, which is last', async () => {
      const running = call(under.count, { n: 50 });
      const events = await read(running);
      expect(events[0]).to.deep.equal({ type: 'started' });
      const chunks = events.flatMap((event) => (event.type === 'chunks' ? [event] : []));
      let next = 0;
      for (const { index, items } of chunks) {
        expect(index).to.equal(next);
        next += items.length;
      }
      expect(chunks.flatMap(({ items }) => items)).to.deep.equal(
        Array.from({ length: 50 }, (_, i) => `{"i":${i}}`),
      );
      const ends = events.filter(({ type }) => type === 'result' || type === 'error');
      expect(ends).to.deep.equal([events.at(-1)]);
      expect(running.hasStarted).to.equal(true);
    });

    it('gives a caller that wants only the end nothing else, with the list in it', async () => {
      const events = await read(call(under.count, { n: 3 }, { streams: false }));
      expect(events.map(({ type }) => type)).to.deep.equal(['result']);
      expect(events[0]).to.include({ data: '[{"i":0},{"i":1},{"i":2}]', chunks: 3 });
    });

    it('answers with an error a tool that it does not have', async () => {
      expect(codeOf(await call('there_is_no_such_tool').outcome())).to.equal('tool_not_found');
    });

    it('tells the end once to everybody who asked, before or after it', async () => {
      const running = call(under.count, { n: 1 });
      const told: TerminalEvent[] = [];
      running.onEnd((end) => told.push(end));
      const end = await running.outcome();
      running.onEnd((late) => told.push(late));
      expect(told).to.deep.equal([end, end]);
    });

    it('ends a cancelled call at once, once, with the reason, and frees its place', async () => {
      const running = call(under.wait, { ms: 60_000 });
      await started(running);
      running.cancel('slow_consumer', 'too slow');
      running.cancel('cancelled');
      const end = await running.outcome();
      expect(end).to.have.nested.property('error.code', 'slow_consumer');
      expect(end).to.have.nested.property('error.message', 'too slow');
      await eventually(() => runner.stats().callsInFlight === 0, { what: 'a free place' });
    });

    it('takes the end of the reading for a cancel', async () => {
      const running = call(under.flood); // without end, however slowly it is read
      for await (const event of running) if (event.type === 'chunks') break;
      const end = await new Promise<TerminalEvent>((resolve) => running.onEnd(resolve));
      expect(codeOf(end)).to.equal('cancelled');
    });

    it('holds a tool at its yield while nobody reads, and lets it stop when its reader leaves', async () => {
      const reader = call(under.flood)[Symbol.asyncIterator]();
      for (let step = await reader.next(); step.value?.type !== 'chunks'; step = await reader.next());
      let before = -1;
      const held = await eventually(async () => {
        const now = await under.yielded();
        const isHeld = now > 0 && now === before;
        before = now;
        await new Promise((resolve) => setTimeout(resolve, 20));
        return isHeld ? now : 0;
      });
      for (let events = 0; events < 30; events++) await reader.next();
      await eventually(async () => (await under.yielded()) > held, { what: 'a tool that goes on' });
      await reader.return?.();
      await eventually(async () => (await under.yielded()) < 0, { what: "the tool's finally block" });
    });

    it('is ok, and counts what is in flight', async () => {
      expect(runner.health()).to.equal('ok');
      const running = call(under.wait, { ms: 60_000 });
      await started(running);
      const { status, callsInFlight, queue, own } = runner.stats();
      expect({ status, callsInFlight }).to.deep.equal({ status: runner.health(), callsInFlight: 1 });
      expect(queue.limit).to.be.at.least(queue.depth);
      expect(JSON.parse(JSON.stringify(own))).to.deep.equal(own);
      running.cancel('cancelled');
    });

    it('tells of a reload that is accepted, with a catalog of the same tools', async () => {
      if (!runner.reload) return;
      const before = runner.catalog;
      const changes: unknown[] = [];
      const end = runner.listen({ catalogChanged: (catalog) => changes.push(catalog) });
      let offered: unknown;
      await runner.reload((catalog) => {
        offered = catalog;
      });
      expect(runner.catalog).to.deep.equal(before);
      expect(runner.catalog).not.to.equal(before);
      expect(changes).to.deep.equal([runner.catalog]);
      expect(offered).to.deep.equal(runner.catalog);
      end();
      await runner.reload(() => undefined);
      expect(changes).to.have.length(1);
    });

    it('stays as it was when its new catalog is not accepted', async () => {
      const before = runner.catalog;
      const refused = new Error('not this one');
      const failure = await runner
        .reload?.(() => {
          throw refused;
        })
        .catch((error: unknown) => error);
      if (runner.reload) expect(failure).to.equal(refused);
      expect(runner.catalog).to.equal(before);
      expect(codeOf(await call(under.count, { n: 1 }).outcome())).to.equal('success');
    });

    it('ends what runs with unavailable when it closes, and takes no more', async () => {
      const running = call(under.wait, { ms: 60_000 });
      await started(running);
      const ended = running.outcome();
      await runner.close();
      expect(codeOf(await ended)).to.equal('unavailable');
      expect(codeOf(await call(under.count, { n: 1 }).outcome())).to.equal('unavailable');
      await runner.close();
    });
  });
}
