/**
 * The behaviour that every transport shares, run over each of them against a real gateway and real threads.
 */
import { expect } from 'chai';
import type { Gateway, GatewayOptions, Transport } from '../../lib/index.ts';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';
import type { ClientCall, Connect, ToldEnd, TransportClient } from './transport-client.ts';

export interface TransportTraits {
  /** False: it gives one answer, without chunks and progress. Default: true. */
  readonly streams?: boolean;
  /** False: a client cannot name a call of its own before its answer, and so not cancel it. Default: `streams`. */
  readonly cancels?: boolean;
  /** Given to the gateway, which does not have the transport itself. */
  readonly transports?: readonly Transport[];
  /** What switches the transport on. */
  readonly settings?: GatewayOptions;
  /** Starts it where it is not one gateway with threads of its own; undefined: it cannot be, here. */
  readonly start?: (options: GatewayOptions) => Promise<StartedElsewhere | undefined>;
}

export interface StartedElsewhere extends TestGateway {
  /** Whose threads run the calls. */
  readonly host: Gateway;
}

interface Stats {
  readonly workers: readonly { readonly callsInFlight: number }[];
  readonly pool: { readonly kills: number; readonly queueDepth: number };
  readonly transports: Readonly<Record<string, { readonly bytes: number }>>;
}

const HOSTILE = [
  '\u2028\u2029\u0000\u001b[31m\u007f',
  'x\n\nevent: done\ndata: {"forged":1}\n\n',
  'x\r\rid: 9\rretry: 1',
  '\ufeff‮ right to left',
  '"],"data":{"a":1}}\n{"event":"complete"}',
  '<script>alert(1)</script>',
  '__proto__',
  '😀'.repeat(1000),
  '',
];

/** What a tool's failures are to a caller: how it misbehaves, and the code. */
const FAILURES: readonly (readonly [string, string])[] = [
  ['throw-error', 'tool_failed'],
  ['throw-null', 'tool_failed'],
  ['throw-tool-error', 'not_found'],
  ['throw-foreign-code', 'tool_failed'],
  ['return-function', 'result_not_serializable'],
  ['return-bigint', 'result_not_serializable'],
  ['return-cycle', 'result_not_serializable'],
  ['return-large', 'result_too_large'],
  ['overflow-stack', 'tool_failed'],
  ['exit', 'worker_crashed'],
  ['late-throw', 'worker_crashed'],
  ['late-rejection', 'worker_crashed'],
];

export function transportBehaviour(name: string, connect: Connect, traits: TransportTraits = {}): void {
  const { streams = true, cancels = streams, transports = [], settings = {}, start } = traits;

  describe(`a call over ${name}`, () => {
    let gateway: TestGateway;
    let client: TransportClient;
    let host: Gateway | undefined;

    before(async function () {
      const options = {
        minWorkers: 1,
        maxWorkers: 3,
        cancelGraceMs: 10_000,
        streamStallMs: 20_000,
        transports,
        ...settings,
      };
      if (!start) gateway = await startGateway(options);
      else {
        const started = await start(options);
        if (!started) return this.skip();
        gateway = started;
        host = started.host;
      }
    });
    after(() => gateway?.close());
    beforeEach(async () => {
      client = await connect(gateway);
    });
    afterEach(() => client.close());

    const stats = async (): Promise<Stats> => {
      const answer = await fetch(`${gateway.url}/stats`, { headers: { 'X-API-Key': 'super-secret' } });
      const own = (await answer.json()) as Stats;
      return host ? { ...(host.stats() as unknown as Stats), transports: own.transports } : own;
    };

    const callsOnThreads = ({ workers }: Stats): number =>
      workers.reduce((sum, { callsInFlight }) => sum + callsInFlight, 0);

    /** Waits until the threads have `n` calls; tells how many threads were killed since the start. */
    async function untilRunning(n: number): Promise<number> {
      for (;;) {
        const now = await stats();
        if (now.pool.queueDepth === 0 && callsOnThreads(now) === n) return now.pool.kills;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }

    /** All that this gateway's streams ever wrote. */
    const sentBytes = async (): Promise<number> =>
      Object.values((await stats()).transports).reduce((sum, { bytes }) => sum + bytes, 0);

    const chunksOf = (call: ClientCall) => call.told.filter((told) => told.type === 'chunk');
    const progressOf = (call: ClientCall) => call.told.filter((told) => told.type === 'progress');
    const endOf = async (call: ClientCall): Promise<ToldEnd> => {
      const end = await call.ended();
      expect(call.told.filter(({ type }) => type === 'end')).to.deep.equal([end]);
      return end;
    };

    it('gives back what the tool returned', async () => {
      const end = await endOf(client.call('echo', { text: 'hello' }));
      expect(end).to.deep.include({ status: 'success', data: { text: 'hello' } });
    });

    it('gives what the tool put in meta', async () => {
      const end = await endOf(client.call('sum', { n: 3 }));
      expect(end.data).to.deep.equal({ total: 6 });
      expect(end.meta).to.include({ counted: 3 });
    });

    it('gives the list of chunks of a tool that returned nothing, and an empty one of a tool that yielded none', async () => {
      expect((await endOf(client.call('count', { n: 3 }))).data).to.deep.equal([
        { i: 0 },
        { i: 1 },
        { i: 2 },
      ]);
      expect((await endOf(client.call('count', { n: 0 }))).data).to.deep.equal([]);
    });

    it('carries hostile strings there and back unchanged', async () => {
      for (const text of HOSTILE) {
        expect((await endOf(client.call('echo', { text }))).data).to.deep.equal({ text });
      }
      // Half of a surrogate pair is no character that all clients read.
      const { data } = await endOf(client.call('echo', { text: '\ud800 lone' }));
      expect(data).to.deep.equal({ text: '\ufffd lone' });
    });

    it('names each field of arguments that do not fit', async () => {
      const { status, error } = await endOf(client.call('echo', { text: 7 }));
      expect([status, error?.code]).to.deep.equal(['error', 'invalid_arguments']);
      expect(error).to.have.nested.property('details.issues[0].path', 'text');
    });

    for (const [how, code] of FAILURES) {
      it(`says ${code}, once and without secrets, when a tool does ${how}`, async () => {
        const { status, error } = await endOf(client.call('misbehave', { how }));
        expect([status, error?.code]).to.deep.equal(['error', code]);
        expect(error?.message).to.not.match(/secret|\/etc|\n/);
      });
    }

    it('carries the message and details that a tool threw', async () => {
      const { error } = await endOf(client.call('misbehave', { how: 'throw-tool-error' }));
      expect(error).to.deep.include({ message: 'journey 7 does not exist', details: { id: 7 } });
    });

    it('ends with timeout at the deadline the caller set', async () => {
      const { status, error } = await endOf(client.call('wait', { ms: 60_000 }, { timeoutMs: 50 }));
      expect([status, error?.code]).to.deep.equal(['timeout', 'deadline_exceeded']);
    });

    it('runs calls side by side, and each gets its own answer', async () => {
      const calls = Array.from({ length: 6 }, (_, n) => client.call('echo', { text: `call ${n}` }));
      const ends = await Promise.all(calls.map(endOf));
      expect(ends.map(({ data }) => data)).to.deep.equal(calls.map((_, n) => ({ text: `call ${n}` })));
    });

    it('aborts the tool when the client leaves, and no thread is lost', async () => {
      const kills = await untilRunning(0);
      const call = client.call('wait', { ms: 60_000 });
      await untilRunning(1);
      call.leave();
      expect(await untilRunning(0)).to.equal(kills);
      expect(call.told).to.deep.equal([]);
    });

    if (!streams) return;

    it('sends every chunk once, in order, before the end', async () => {
      const call = client.call('count', { n: 20_000 }, { result: 'none' });
      const end = await endOf(call);
      expect(end).to.include({ status: 'success', data: null, omitted: true });
      const chunks = chunksOf(call);
      expect(chunks).to.have.length(20_000);
      for (let index = 0; index < chunks.length; index++) {
        expect(chunks[index]).to.deep.equal({ type: 'chunk', index, data: { i: index } });
      }
    });

    it('leaves out a long repeat unless the whole is asked for', async () => {
      const end = await endOf(client.call('count', { n: 200, pad: 1000 }));
      expect(end).to.include({ data: null, omitted: true });
      const full = await endOf(client.call('count', { n: 200, pad: 1000 }, { result: 'full' }));
      expect(full.data).to.have.length(200);
    });

    it('tells all progress of a tool that reports ten times a second, in order', async () => {
      const call = client.call('report', { n: 6, everyMs: 100 });
      await endOf(call);
      expect(progressOf(call)).to.deep.equal(
        Array.from({ length: 6 }, (_, i) => ({
          type: 'progress',
          progress: i + 1,
          total: 6,
          message: `step ${i + 1}`,
        })),
      );
    });

    it('thins a flood of progress, only ever upwards, and never loses the last', async () => {
      const call = client.call('misbehave', { how: 'flood-progress' });
      await endOf(call);
      const values = progressOf(call).map(({ progress }) => progress);
      expect(values).to.deep.equal([...values].sort((a, b) => a - b));
      expect(new Set(values).size).to.equal(values.length);
      expect(values.at(-1)).to.equal(1_000_000);
    });

    it('delivers the chunks of a thread that dies mid-stream, then worker_crashed', async () => {
      const call = client.call('misbehave', { how: 'exit-after-chunks', n: 5 });
      expect((await endOf(call)).error?.code).to.equal('worker_crashed');
      expect(chunksOf(call).map(({ data }) => data)).to.deep.equal([0, 1, 2, 3, 4].map((i) => ({ i })));
    });

    it('delivers the good chunks before the one that does not fit', async () => {
      const call = client.call('misbehave', { how: 'bad-chunk', n: 2 });
      expect((await endOf(call)).error?.code).to.equal('result_not_serializable');
      expect(chunksOf(call)).to.have.length(2);
    });

    it('aborts the tool when a client leaves in mid-stream', async () => {
      const kills = await untilRunning(0);
      const call = client.call('count', { n: 1_000_000, delayMs: 5 });
      await call.until(() => chunksOf(call).length > 2);
      call.leave();
      expect(await untilRunning(0)).to.equal(kills);
    });

    it('makes the tool wait for a reader that pauses, and loses nothing', async () => {
      const n = 100_000;
      const call = client.call('count', { n, pad: 1000 }, { result: 'none' });
      await call.until(() => chunksOf(call).length > 10);
      call.pause();
      const before = process.memoryUsage().rss;
      let sent = -1;
      for (let now = await sentBytes(); sent !== now; now = await sentBytes()) {
        sent = now;
        await new Promise((resolve) => setTimeout(resolve, 1200));
      }
      expect(sent).to.be.below((n * 1000) / 2);
      expect(process.memoryUsage().rss - before).to.be.below(80 * 1024 * 1024); // and not the 100 MB of all chunks
      call.resume();
      await endOf(call);
      expect(chunksOf(call)).to.have.length(n);
    });

    if (!cancels) return;

    it('ends a call that its client cancels, once, and its tool with it', async () => {
      const kills = await untilRunning(0);
      const call = client.call('count', { n: 1_000_000, delayMs: 5 });
      await call.until(() => chunksOf(call).length > 2);
      call.cancel();
      const { status, error } = await endOf(call);
      expect([status, error?.code]).to.deep.equal(['cancelled', 'cancelled']);
      expect(await untilRunning(0)).to.equal(kills);
    });
  });
}
