/** What goes wrong in the gateway's own code, or in who listens to it, harms neither threads nor other calls. */
import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'chai';
import type { TerminalEvent } from '../../../lib/call/call-events.ts';
import type { Defect, RunnerListener } from '../../../lib/runners/runner.ts';
import { PostTurn } from '../../../lib/runners/threads/crew/post-turn.ts';
import { ThreadLink } from '../../../lib/runners/threads/crew/thread-link.ts';
import type { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../../support/eventually.ts';
import { call, startPool } from '../../support/start-pool.ts';

const codeOf = (end: TerminalEvent): string => (end.type === 'error' ? end.error.code : 'success');
const HOOKS = ['log', 'notice', 'catalogChanged', 'unit', 'defect'] as const;

describe('a defect', () => {
  let pool: WorkerPool;
  const defects: Defect[] = [];
  beforeEach(async () => {
    pool = await startPool(
      // No thread is killed because this process was held up while one of its calls stops.
      { minThreads: 1, maxThreads: 1, cancelGraceMs: 20_000 },
      ['basic-tools', 'faulty-tools', 'shared-faults', 'mcp-tools'],
      {
        mayHaveDefects: true,
      },
    );
    defects.length = 0;
  });
  afterEach(() => pool.close());
  const noteDefects = () => pool.listen({ defect: (defect) => defects.push(defect) });

  for (const how of ['throws', 'rejects'] as const)
    it(`of a listener that ${how} in every hook harms nothing, and is told once a hook`, async () => {
      const failing = new Error('a listener fails');
      const fail = how === 'throws' ? () => thrown(failing) : () => Promise.reject(failing);
      pool.listen(Object.fromEntries(HOOKS.map((hook) => [hook, fail])) as RunnerListener);
      noteDefects();
      for (let round = 0; round < 2; round++) {
        expect(await call(pool, 'misbehave', { how: 'print' }).outcome()).to.include({ type: 'result' });
        expect(await call(pool, 'touch', { uri: 'a:b' }).outcome()).to.include({ type: 'result' });
        await pool.reload(() => undefined);
        expect(await call(pool, 'echo', { text: 'a' }).outcome()).to.include({ type: 'result' });
      }
      await eventually(() => defects.length >= 4);
      expect(defects.map(({ during }) => during).sort()).to.deep.equal([
        'a listener of "catalogChanged"',
        'a listener of "log"',
        'a listener of "notice"',
        'a listener of "unit"',
      ]);
      expect(defects.every(({ error }) => error === failing)).to.equal(true);
      expect(pool.stats().own.details.pool).to.include({ kills: 0, crashes: 0 });
    });

  it('of a listener for the end of a call leaves the others their end, and frees the place', async () => {
    noteDefects();
    const running = call(pool, 'echo', { text: 'a' });
    let told = 0;
    running.onEnd(() => thrown(new Error('a listener fails')));
    running.onEnd(() => told++);
    expect(codeOf(await running.outcome())).to.equal('success');
    expect(told).to.equal(1);
    expect(defects).to.have.length(1);
    expect(defects[0]).to.include({ during: 'a listener for the end of a call', callId: running.callId });
    expect(pool.stats().callsInFlight).to.equal(0);
  });

  /** A call in whose handling a property of the request throws, from when it is armed on. */
  const armedCall = (name: string, args: object, property: 'logLevel' | 'streams', value: unknown) => {
    const fuse = { isArmed: false };
    const request = Object.defineProperty({}, property, {
      enumerable: true,
      get: () => (fuse.isArmed ? thrown(new TypeError('a defect of ours')) : value),
    });
    const running = pool.call(
      Object.defineProperties(request, {
        name: { value: name },
        arguments: { value: args },
        caller: { value: { keyId: 'test', transport: 'http' } },
        callId: { value: `armed-${name}` },
        repeatBytes: { value: 1000 },
        ...(property === 'streams' ? {} : { streams: { value: true } }),
      }) as Parameters<WorkerPool['call']>[0],
    );
    fuse.isArmed = true;
    return running;
  };

  it('in the handling of a frame ends its call internal; its thread and the calls beside it go on', async () => {
    noteDefects();
    const neighbour = call(pool, 'wait', { ms: 300 });
    await neighbour[Symbol.asyncIterator]().next();
    const running = armedCall('log_and_wait', {}, 'logLevel', undefined);
    const end = await running.outcome();
    expect(codeOf(end)).to.equal('internal');
    expect(end).to.have.nested.property('error.cause').that.is.instanceOf(TypeError);
    expect(defects).to.have.length(1);
    expect(defects[0]).to.include({ during: 'a frame of type "log"', callId: running.callId });
    expect(codeOf(await neighbour.outcome())).to.equal('success');
    await eventually(() => pool.stats().callsInFlight === 0, { what: 'the stopped tool' });
    expect(pool.stats().own.details.pool).to.include({ kills: 0, crashes: 0, restarts: 0 });
  });

  it('in the handling of the last frame ends its call internal and frees its place', async () => {
    noteDefects();
    const end = await armedCall('echo', { text: 'a' }, 'streams', false).outcome();
    expect(codeOf(end)).to.equal('internal');
    expect(defects[0]).to.include({ during: 'a frame of type "result"' });
    expect(pool.stats().callsInFlight).to.equal(0);
    expect(codeOf(await call(pool, 'echo', { text: 'a' }).outcome())).to.equal('success');
    expect(pool.stats().own.details.pool).to.include({ kills: 0, crashes: 0, restarts: 0 });
  });
});

describe('a thread that posts what is no frame', () => {
  const listen = async (message: unknown) => {
    const { port1: port, port2: threadPort } = new MessageChannel();
    const begun = new Int32Array(new SharedArrayBuffer(4));
    const told: string[] = [];
    new ThreadLink({ id: 1, port, begun, lost: new Promise<unknown>(() => {}), end() {} }, new PostTurn(), {
      frame(_link, { type }) {
        told.push(type);
        if (type === 'hello') throw new Error('a defect of ours');
      },
      impossible: () => told.push('impossible'),
      defect: (_link, frame) => told.push(`defect in ${frame?.type}`),
      freed() {},
      lost() {},
      gone() {},
    });
    threadPort.postMessage(message);
    await once(port, 'message');
    port.close();
    return told;
  };
  const pong = { type: 'pong', heapUsedBytes: 1, heldBytes: 1, utilization: 0 };
  const FINE = [
    pong,
    { type: 'hello', failure: null, threadId: 1, kernelId: null },
    { type: 'started', call: 1 },
    { type: 'chunks', call: 1, index: 0, count: 1, text: '1' },
    { type: 'chunks', call: 1, index: 1, count: 2, text: '1\n2' },
    { type: 'progress', call: 1, progress: 1, total: null, message: '' },
    { type: 'log', call: null, level: 'info', message: 'm' },
    { type: 'ask', call: 1, ask: 1, method: 'roots', params: {} },
    { type: 'notice', notice: { type: 'resource-updated', uri: 'a:b' } },
    { type: 'notice', notice: { type: 'resources-changed' } },
    { type: 'result', call: 1, data: null, repeats: true, shape: 'other', chunks: 1, meta: null, ranMs: 1 },
    {
      type: 'error',
      call: 1,
      chunks: 0,
      error: { code: 'conflict', message: 'm', retryable: false },
      ranMs: null,
    },
    { type: 'retiring', reason: 'r' },
    { type: 'described', catalog: { tools: [], resources: [], prompts: [] }, failure: null },
    { type: 'described', catalog: null, failure: 'f' },
  ];

  it('is blamed for that', async () => {
    for (const message of [null, 'text', { length: 1 }])
      expect(await listen(message)).to.deep.equal(['impossible']);
    const foreign = [null, 7, [], {}, { type: 'constructor' }, { type: 'nonsense', call: 1 }];
    // Each kind of frame, one field at a time missing.
    const maimed = FINE.flatMap((frame) =>
      Object.keys(frame)
        .filter((field) => !['params', 'repeats', 'shape'].includes(field))
        .filter((field) => !(frame.type === 'error' && field === 'chunks'))
        .map((field) => ({ ...frame, [field]: undefined })),
    );
    const inside = [
      { type: 'error', call: 1, chunks: 0, error: { code: 'toString', message: 'm' }, ranMs: null },
      { type: 'log', call: null, level: 'constructor', message: 'm' },
      ...[0, -1, 1.5, Number.NaN, 3].map((count) => ({
        type: 'chunks',
        call: 1,
        index: 0,
        count,
        text: '1\n2',
      })),
      ...[-1, Number.NaN, Number.POSITIVE_INFINITY].flatMap((ranMs) =>
        FINE.filter((frame) => 'ranMs' in frame).map((frame) => ({ ...frame, ranMs })),
      ),
      { type: 'notice', notice: { type: 'resource-updated' } },
      { type: 'described', catalog: { tools: [] }, failure: null },
    ];
    for (const frame of [...foreign, ...maimed, ...inside])
      expect(await listen([pong, frame, pong]), JSON.stringify(frame)).to.deep.equal(['pong', 'impossible']);
  });

  it('is not blamed for what is thrown while a frame is handled; the frames after it are', async () => {
    const told = await listen(FINE);
    expect(told).not.to.include('impossible');
    expect(told.filter((type) => type !== 'defect in hello')).to.deep.equal(FINE.map(({ type }) => type));
    expect(told).to.include('defect in hello');
  });
});

function thrown(error: Error): never {
  throw error;
}
