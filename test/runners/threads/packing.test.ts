import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { expect } from 'chai';
import type { Caller } from '../../../lib/call/caller.ts';
import { PackingPort } from '../../../lib/runners/threads/piscina/packing-port.ts';
import type { CallTask, HostFrame, ThreadFrame } from '../../../lib/runners/threads/port/frames.ts';
import { packed, unpacked } from '../../../lib/runners/threads/port/packing.ts';

type Optional<T> = { [Field in keyof T]-?: object extends Pick<T, Field> ? Field : never }[keyof T];

describe('frames on their way through a port', () => {
  const { port1, port2 } = new MessageChannel();
  after(() => port1.close());
  const sent = (posted: unknown): unknown => {
    port1.postMessage(posted);
    return receiveMessageOnPort(port2)?.message;
  };
  const call: CallTask = {
    type: 'call',
    call: 2 ** 40,
    place: 3,
    callId: 'c',
    kind: 'prompt',
    name: 'n',
    arguments: { list: [1, 2], none: null },
    caller: { keyId: 'k', transport: 'http' },
    isExclusive: true,
    streams: false,
    repeatBytes: 5,
  };
  /** Each field that may be absent: one that is added is to be here too. */
  const rare: Required<Pick<CallTask, Optional<CallTask>>> = {
    abilities: { sample: true },
    logLevel: 'debug',
    requestMeta: { a: 1 },
    trace: { traceparent: '00-1-2-01' } as never,
    mark: { fd: 1, place: 2, call: 3 },
  };
  const caller: Required<Caller> = { keyId: 'k', transport: 'http', session: 's' };
  const frames: readonly (HostFrame | ThreadFrame)[] = [
    call,
    ...Object.entries(rare).map(([field, value]) => ({ ...call, [field]: value })),
    { ...call, caller },
    { type: 'result', call: 1, data: null, repeats: true, shape: 'other', chunks: 2, meta: '{}', ranMs: 0.5 },
    { type: 'chunks', call: 1, index: 7, count: 2, text: '1\n2' },
    { type: 'started', call: 1 },
    { type: 'cancel', call: 1, reason: 'cancelled' },
  ];

  for (const frame of frames)
    it(`are what they were: ${JSON.stringify(frame)}`, () => {
      expect(unpacked(sent(packed(frame)))).to.deep.equal(frame);
    });

  it('are not looked for behind what is none, however long the list is said to be', async () => {
    const { port1: ours, port2: theirs } = new MessageChannel();
    const port = new PackingPort(ours, new Int32Array(new SharedArrayBuffer(4)));
    const come = new Promise((resolve) => port.on('message', resolve));
    theirs.postMessage(new Array(2 ** 32 - 1));
    expect(await come).to.deep.equal([undefined]);
    port.close();
  });

  it('are passed on as they come where they are none', () => {
    for (const posted of [null, 5, 'text', [], [null], [99, 1], {}])
      expect(unpacked(sent(posted))).to.deep.equal(posted);
  });
});
