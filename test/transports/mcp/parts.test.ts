import { expect } from 'chai';
import { ProgressSequence } from '../../../lib/transports/mcp/calls/progress-sequence.ts';
import { toolResult } from '../../../lib/transports/mcp/calls/result.ts';
import { SESSION_ERA } from '../../../lib/transports/mcp/era.ts';
import { EventRing } from '../../../lib/transports/mcp/http/event-ring.ts';
import { templateMatcher } from '../../../lib/transports/mcp/template-matcher.ts';

describe('ProgressSequence', () => {
  const progressOf = (text: string): number => JSON.parse(text).params.progress;

  it("keeps a tool's own values between any number of chunks and heartbeats", () => {
    const sequence = new ProgressSequence('t');
    const values: number[] = [];
    for (let step = 1; step <= 3; step++) {
      values.push(progressOf(sequence.report({ progress: step, total: 3, message: '' })()));
      for (let i = 0; i < 1000; i++) values.push(progressOf(sequence.chunks({ index: i, items: ['1'] })()));
      values.push(progressOf(sequence.heartbeat()));
    }
    expect([values[0], values[1002], values[2004]]).to.deep.equal([1, 2, 3]);
    expect(values.every((value, at) => at === 0 || value > (values[at - 1] ?? value))).to.equal(true);
  });

  for (const start of [0, -5, 1e15, 1e300, -1e300, 5e-324]) {
    it(`grows with every message above ${start}`, () => {
      const sequence = new ProgressSequence(1);
      let last = progressOf(sequence.report({ progress: start, total: null, message: 'm' })());
      for (let i = 0; i < 10; i++) {
        const next = progressOf(sequence.chunks({ index: i, items: [] })());
        expect(next).to.be.greaterThan(last);
        last = next;
      }
    });
  }
});

describe('toolResult()', () => {
  it('says that a list too long to repeat is left out, why, and how to get it', () => {
    const end = { type: 'result', data: null, repeats: true, shape: 'other', chunks: 3, meta: null } as const;
    const text = toolResult({ ...end, durationMs: 1 }, SESSION_ERA);
    const { content, structuredContent } = JSON.parse(text);
    expect(structuredContent).to.deep.equal({ data: null, omitted: true, chunks: 3 });
    expect(content[0].text)
      .to.contain('3 chunks is left out')
      .and.contain('MAX_RESULT_BYTES')
      .and.contain('progress notification')
      .and.contain('fewer at a time');
  });
});

describe('EventRing', () => {
  it('gives back what followed on one stream only', () => {
    const ring = new EventRing();
    const first = ring.keep('r1', 'a');
    ring.keep('r2', 'b');
    ring.keep('r1', 'c');
    const from = ring.read(first);
    expect(from).to.deep.equal({ stream: 'r1', seq: 1 });
    expect(ring.after('r1', 1).map(({ text }) => text)).to.deep.equal(['c']);
  });

  it('makes a text again where it can, and keeps none then', () => {
    const ring = new EventRing();
    let made = 0;
    ring.keep('r1', 'a', () => `made ${++made}`);
    expect(made).to.equal(0);
    expect(ring.after('r1', 0).map(({ text }) => text)).to.deep.equal(['made 1']);
  });

  it('forgets the oldest beyond its bounds, and keeps nothing larger than itself', () => {
    const ring = new EventRing();
    for (let i = 0; i < 2000; i++) ring.keep('r1', String(i));
    expect(ring.after('r1', 0)).to.have.length(512);
    for (let i = 0; i < 10; i++) ring.keep('r1', 'x'.repeat(100_000));
    expect(ring.after('r1', 0)).to.have.length(5);
    ring.keep('r1', 'x'.repeat(1_000_000));
    expect(ring.after('r1', 0)).to.have.length(5);
  });

  it('knows no ids but its own', () => {
    const ring = new EventRing();
    for (const id of ['', 'r1', 'r1_x', 'r1_5', 'R1_0', '_0']) expect(ring.read(id)).to.equal(null);
  });
});

describe('templateMatcher', () => {
  const cases: [string, string, Record<string, string> | null][] = [
    ['journey://{id}', 'journey://7', { id: '7' }],
    ['journey://{id}', 'journey://', null],
    ['journey://{id}', 'journey://a/b', null],
    ['journey://{id}', 'journey://a%2Fb', { id: 'a/b' }],
    ['journey://{id}', 'journey://%zz', null],
    ['t://{a}/x/{b}.json', 't://1/x/2.json', { a: '1', b: '2' }],
    ['t://{a}/x/{b}.json', 't://1/x/2.txt', null],
    ['t://{id}/data', 't://1/data/data', null],
    ['t://{id}/data', 'u://1/data', null],
  ];
  for (const [template, uri, expected] of cases) {
    it(`${expected ? 'matches' : 'does not match'} ${uri} with ${template}`, () => {
      const found = templateMatcher(template)(uri);
      expect(found && { ...found }).to.deep.equal(expected);
    });
  }

  it('takes no longer for a hostile address', () => {
    const match = templateMatcher('{a}{b}{c}{d}-{e}');
    expect(match('a'.repeat(2000))).to.equal(null);
  });
});
