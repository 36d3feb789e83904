/** What goes to Redis in one turn of the event loop. */
import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import { gatherWrites } from '../../lib/fleet/redis/gathered-writes.ts';

describe('commands to Redis', () => {
  function connection() {
    const sent: string[] = [];
    const stream = new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => {
        sent.push(text);
        done();
      },
      writev: (parts, done) => {
        sent.push(parts.map(({ chunk }) => chunk).join(''));
        done();
      },
    });
    const client = Object.assign(new EventEmitter(), { stream });
    gatherWrites(client as unknown as Redis);
    client.emit('connect');
    return { stream, sent };
  }

  it('leave together where they are given in one turn of the event loop, in their order', async () => {
    const { stream, sent } = connection();
    stream.write('one ');
    await Promise.resolve();
    stream.write('two ');
    process.nextTick(() => stream.write('three'));
    expect(sent).to.deep.equal([]);
    await setImmediate();
    expect(sent).to.deep.equal(['one two three']);
    stream.write('four');
    await setImmediate();
    expect(sent).to.deep.equal(['one two three', 'four']);
  });

  it('leave before the connection is closed', async () => {
    const { stream, sent } = connection();
    stream.write('one ');
    stream.end('two');
    await new Promise((resolve) => stream.once('finish', resolve));
    expect(sent.join('')).to.equal('one two');
  });
});
