import { expect } from 'chai';
import { LineReader } from '../../lib/async/line-reader.ts';

describe('LineReader', () => {
  function read(maxBytes: number, ...parts: (string | Buffer)[]) {
    const heard: string[] = [];
    const reader = new LineReader(maxBytes, {
      line: (text) => heard.push(text),
      tooLong: () => heard.push('(too long)'),
      notUtf8: () => heard.push('(not UTF-8)'),
    });
    for (const part of parts) reader.push(Buffer.from(part as string));
    return heard;
  }

  it('joins lines that come in parts, a character in the middle included', () => {
    const bytes = Buffer.from('één\r\ntwee\n');
    expect(read(100, bytes.subarray(0, 1), bytes.subarray(1, 4), bytes.subarray(4))).to.deep.equal([
      'één',
      'twee',
    ]);
  });

  it('skips a line that is too long, and says so once', () => {
    expect(read(5, '123456', '7890', '12\nok\n', '\n \n')).to.deep.equal(['(too long)', 'ok']);
  });

  it('tells of bytes that are no UTF-8', () => {
    expect(read(5, Buffer.from([0xff, 10]), 'ok\n')).to.deep.equal(['(not UTF-8)', 'ok']);
  });
});
