import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { expect } from 'chai';
import type { CallTask, HostFrame, ThreadFrame } from '../../../lib/runners/threads/port/frames.ts';
import { packed, unpacked } from '../../../lib/runners/threads/port/packing.ts';

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
  const rare: readonly Partial<CallTask>[] = [
    { abilities: { sample: true } },
    { logLevel: 'debug' },
    { requestMeta: { a: 1 } },
    { trace: { traceparent: '00-1-2-01' } as never },
    { mark: { fd: 1, place: 2, call: 3 } },
    { caller: { keyId: 'k', transport: 'http', session: 's' } },
  ];
  const frames: readonly (HostFrame | ThreadFrame)[] = [
    call,
    ...rare.map((more) => ({ ...call, ...more })),
    { type: 'result', call: 1, data: null, repeats: true, shape: 'other', chunks: 2, meta: '{}', ranMs: 0.5 },
    { type: 'chunks', call: 1, index: 7, count: 2, text: '1\n2' },
    { type: 'started', call: 1 },
    { type: 'cancel', call: 1, reason: 'cancelled' },
  ];

  for (const frame of frames)
    it(`are what they were: ${JSON.stringify(frame)}`, () => {
      expect(unpacked(sent(packed(frame)))).to.deep.equal(frame);
    });

  it('are passed on as they come where they are none', () => {
    for (const posted of [null, 5, 'text', [], [null], [99, 1], {}])
      expect(unpacked(sent(posted))).to.deep.equal(posted);
  });
});
