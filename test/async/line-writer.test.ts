import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { LineWriter } from '../../lib/async/line-writer.ts';

describe('LineWriter', () => {
  /** What the reader finds, a read each. */
  function newWriter() {
    const output = new PassThrough({ encoding: 'utf8' });
    const reads: string[] = [];
    output.on('data', (text: string) => reads.push(text));
    return { writer: new LineWriter(output), output, reads };
  }
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

  it('gives the reader a turn between a line and the one to be read apart from it', async () => {
    const { writer, reads } = newWriter();
    writer.write('first');
    writer.writeApart('second');
    expect(writer.heldBack).to.equal(1);
    await new Promise(setImmediate);
    // A machine that stood still meanwhile has written both.
    if (writer.heldBack > 0) expect(reads).to.deep.equal(['first\n']);
    while (writer.heldBack > 0) await pause(5);
    await writer.flushed();
    expect(reads).to.deep.equal(['first\n', 'second\n']);
  });

  it('holds nothing back when the line before was written long ago, or never', async () => {
    const { writer, reads } = newWriter();
    writer.writeApart('first');
    await pause(60);
    writer.writeApart('second');
    await writer.flushed();
    expect(reads).to.deep.equal(['first\n', 'second\n']);
  });

  it('holds no line for a reader that has gone', async () => {
    const { writer, output } = newWriter();
    writer.write('first');
    writer.writeApart('second');
    output.destroy();
    writer.abandon();
    while (writer.heldBack > 0) await pause(5);
  });
});
