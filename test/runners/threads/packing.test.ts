import { open } from 'node:fs/promises';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
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

  it('are heard before the event loop brings them, in their order, and in their turn again and again', async () => {
    const { port1: ours, port2: theirs } = new MessageChannel();
    const port = new PackingPort(ours, new Int32Array(new SharedArrayBuffer(4)));
    const heard: unknown[] = [];
    const started = (call: number) => ({ type: 'started', call });
    port.on('message', (posted) => heard.push(...(posted as unknown[])));
    for (let call = 0; call < 300; call++) theirs.postMessage([packed({ type: 'started', call })]);
    port.hear();
    const early = heard.length;
    expect(early).to.be.within(2, 299);
    port.hear();
    expect(heard, 'before the event loop has brought one').to.have.length(early);
    while (heard.length < 300) await new Promise(setImmediate);
    expect(heard).to.deep.equal(Array.from({ length: 300 }, (_, call) => started(call)));
    theirs.postMessage([packed({ type: 'started', call: 300 })]);
    port.hear();
    expect(heard.at(-1)).to.deep.equal(started(300));
    port.close();
    port.hear();
  });

  it('are none where a tool has made what cannot be read, whichever way it comes', async () => {
    const unreadable = async (posting: MessagePort) => {
      const file = await open(process.execPath);
      let symbols: symbol[] = [];
      for (let proto: object = file; proto; proto = Object.getPrototypeOf(proto))
        symbols = symbols.concat(Object.getOwnPropertySymbols(proto));
      const transfer = symbols.find(({ description }) => description === 'messaging_transfer_symbol');
      Object.assign(file, { [transfer as symbol]: () => ({ data: '', deserializeInfo: 'internal/no:No' }) });
      posting.postMessage(file, [file as never]);
    };
    for (const isEarly of [true, false]) {
      const { port1: ours, port2: theirs } = new MessageChannel();
      const port = new PackingPort(ours, new Int32Array(new SharedArrayBuffer(4)));
      const heard: unknown[] = [];
      port.on('message', (posted) => heard.push(posted));
      await unreadable(theirs);
      if (isEarly) port.hear();
      while (heard.length === 0) await new Promise(setImmediate);
      expect(heard).to.have.length(1);
      expect(heard[0])
        .to.be.an('error')
        .with.property('message')
        .that.matches(/internal\/no/);
      port.close();
    }
  });

  it('are passed on as they come where they are none', () => {
    for (const posted of [null, 5, 'text', [], [null], [99, 1], {}])
      expect(unpacked(sent(posted))).to.deep.equal(posted);
  });
});
