import { once } from 'node:events';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { expect } from 'chai';
import { PostTurn } from '../../../lib/runners/threads/crew/post-turn.ts';
import { ThreadLink } from '../../../lib/runners/threads/crew/thread-link.ts';
import type { HostFrame } from '../../../lib/runners/threads/port/frames.ts';

const nothing = () => {};
const LISTENER = {
  frame: nothing,
  freed: nothing,
  impossible: nothing,
  defect: nothing,
  lost: nothing,
  gone: nothing,
};

describe('ThreadLink', () => {
  it('is idle since it has loaded, not since it was asked to start', () => {
    const { port1: port } = new MessageChannel();
    const begun = new Int32Array(new SharedArrayBuffer(4));
    const thread = { id: 1, port, begun, lost: new Promise<unknown>(() => {}), end() {} };
    const link = new ThreadLink(thread, new PostTurn(), LISTENER);
    const beforeLoaded = performance.now();
    while (performance.now() === beforeLoaded);
    link.load({ type: 'hello', failure: null, threadId: 1, kernelId: null });
    expect(link.isIdleSince(beforeLoaded)).to.equal(false);
    expect(link.isIdleSince(performance.now())).to.equal(true);
    port.close();
  });

  it('posts the frames of a turn in their order, in messages of eight, and no empty one', async () => {
    const { port1: port, port2: threadPort } = new MessageChannel();
    const begun = new Int32Array(new SharedArrayBuffer(4));
    const thread = { id: 1, port, begun, lost: new Promise<unknown>(() => {}), end() {} };
    const link = new ThreadLink(thread, new PostTurn(), LISTENER);
    const messages: HostFrame[][] = [];
    threadPort.on('message', (frames) => messages.push(frames));
    const post = (count: number, from: number) => {
      for (let call = from; call < from + count; call++)
        link.post({ type: 'cancel', call, reason: 'cancelled' });
    };
    post(20, 0);
    while (messages.flat().length < 20) await once(threadPort, 'message');
    post(16, 20);
    while (messages.flat().length < 36) await once(threadPort, 'message');
    post(1, 36);
    while (messages.flat().length < 37) await once(threadPort, 'message');
    expect(messages.map(({ length }) => length)).to.deep.equal([8, 8, 4, 8, 8, 1]);
    expect(messages.flat().map((frame) => 'call' in frame && frame.call)).to.deep.equal([
      ...Array(37).keys(),
    ]);
    port.close();
    await once(threadPort, 'close');
  });

  it('posts what waits for the end of the turn as soon as another thread’s message is full', () => {
    const turn = new PostTurn();
    const linked = (id: number) => {
      const { port1: port, port2: threadPort } = new MessageChannel();
      const begun = new Int32Array(new SharedArrayBuffer(4));
      const thread = { id, port, begun, lost: new Promise<unknown>(() => {}), end() {} };
      return { port, threadPort, link: new ThreadLink(thread, turn, LISTENER) };
    };
    const [one, other] = [linked(1), linked(2)];
    const cancel = (call: number) => ({ type: 'cancel', call, reason: 'cancelled' }) as const;
    other.link.post(cancel(1));
    for (let call = 2; call < 9; call++) one.link.post(cancel(call));
    expect(receiveMessageOnPort(other.threadPort), 'before a message is full').to.equal(undefined);
    one.link.post(cancel(9));
    expect(receiveMessageOnPort(one.threadPort)?.message).to.have.length(8);
    expect(receiveMessageOnPort(other.threadPort)?.message).to.deep.equal([cancel(1)]);
    one.port.close();
    other.port.close();
  });
});
