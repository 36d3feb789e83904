/** A call on a thread whose machinery is broken: it ends all the same. */
import { expect } from 'chai';
import type { CallTask, ThreadFrame } from '../../lib/runners/threads/port/frames.ts';
import { Outbox } from '../../workers/outbox.ts';
import { type RunHost, ToolRun } from '../../workers/tool-run.ts';
import { Turns } from '../../workers/turns.ts';

describe('a call on a broken thread', () => {
  it('ends with `internal`, once, and gives the thread up', async () => {
    const frames: ThreadFrame[] = [];
    const outbox = new Outbox();
    outbox.post = (frame) => void frames.push(frame);
    const retired: string[] = [];
    const host: RunHost = {
      outbox,
      turns: new Turns(outbox),
      isAlone: true,
      sprint: () => undefined,
      begin: () => undefined,
      log: () => undefined,
      pollPort: () => undefined,
      inspect: () => {
        throw new Error('broken');
      },
      retire: (reason) => void retired.push(reason),
    };
    const task: CallTask = {
      type: 'call',
      call: 7,
      place: 0,
      callId: 'call-7',
      kind: 'tool',
      name: 'echo',
      arguments: {},
      isExclusive: true,
      caller: { keyId: 'one', transport: 'http' },
      streams: false,
      repeatBytes: 0,
    };
    let ended = 0;
    const run = new ToolRun(task, host, 1000, () => ended++);
    const present = (_value: unknown, data: string) => ({ data, shape: 'other' as const });
    await run.execute({ input: null, chunk: null, output: null, invoke: () => 'fine', present });
    expect(frames.map(({ type }) => type)).to.deep.equal(['error']);
    expect(frames[0]).to.include({ call: 7 }).and.to.have.nested.property('error.code', 'internal');
    expect({ ended, retired: retired.length, isEnded: run.isEnded }).to.deep.equal({
      ended: 1,
      retired: 1,
      isEnded: true,
    });
  });
});
