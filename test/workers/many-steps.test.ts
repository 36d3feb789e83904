/** Built-ins that are made of many steps give what V8's own give, and what has no steps is refused. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect } from 'chai';

const MODULE = new URL('../../workers/intrinsics/many-steps.js', import.meta.url).href;

/** Runs a script on a thread of its own, before and after; gives a line for each expression, twice. */
async function compare(heapMb: number, expressions: readonly string[]): Promise<unknown[][]> {
  const script = `
    import { parentPort } from 'node:worker_threads';
    import { partLongSteps, wasTooMuch } from ${JSON.stringify(MODULE)};
    const N = (1 << 22) + 5;
    const digest = (value) => {
      if (!Array.isArray(value)) return value ?? null;
      let hash = 0;
      for (let at = 0; at < value.length; at += 997) {
        const text = String(value[at]);
        hash = (Math.imul(hash, 31) + text.length + text.charCodeAt(0) * (at % 101)) | 0;
      }
      return [value.length, hash, String(value.at(-1)), 0 in value];
    };
    const all = [${expressions.map((expression) => `() => (${expression})`).join(',\n')}];
    const tell = () => all.map((one) => {
      try {
        return digest(one());
      } catch (thrown) {
        return wasTooMuch(thrown) ? thrown.code : String(thrown);
      }
    });
    const before = tell();
    partLongSteps(${heapMb});
    parentPort.postMessage([before, tell()]);`;
  const thread = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`));
  const [told] = (await once(thread, 'message')) as [unknown[][]];
  await thread.terminate();
  return told;
}

describe('built-ins made of many steps', function () {
  this.timeout(60_000);

  it('give what V8 gives', async () => {
    const expressions = [
      'new Array(N).fill(7)',
      'new Array(N).fill(7, 3, -2)',
      'new Array(N).fill(7, -9)',
      'new Array(N).fill(7, NaN, 4)',
      'Array.prototype.fill.call({ length: 3 }, 1)[2]',
      "'ab'.repeat(N).split('')",
      "'a,bc,'.repeat(N / 4).split(',')",
      "'a,bc,'.repeat(N / 4).split(',', 1000)",
      "'a,bc,'.repeat(N / 4).split(',', 0)",
      "'a'.repeat(N).split()",
      "'a1'.repeat(N).split(/\\d/)",
      "'a1'.repeat(N).replace(/a/g, () => 'bc').length",
      "'a1'.repeat(N).replaceAll(/1/g, (one) => one + one).length",
      "'a1'.repeat(N).match(/\\d/g)",
      "'a1'.repeat(N).match(/a/)?.index",
      "'a1'.repeat(N).match(/b/g)",
      "('a'.repeat(N) + '\\u{1f600}').match(/x*/gu)",
      "('a'.repeat(N) + '\\u{1f600}').match(/x*/g)",
      "'a1'.repeat(N).match(/\\d/gy)",
      "JSON.parse('[' + '1,'.repeat(1000) + '1]')",
      'JSON.parse(\'{"a":[1,2]}\', (key, value) => (Array.isArray(value) ? value.length : value)).a',
      'String(Object.getOwnPropertyDescriptor(Array.prototype, "fill").enumerable)',
      '[Array.prototype.fill.length, Array.prototype.fill.name, JSON.parse.length, JSON.parse.name].join()',
      "['a'.split.length, 'a'.split.name, 'a'.match.length, 'a'.match.name].join()",
    ];
    const [before, after] = await compare(256, expressions);
    expect(after).to.deep.equal(before);
  });

  it('refuse a list that would not fit the heap before they begin it', async () => {
    const [before, after] = await compare(16, [
      "JSON.parse('[' + '1,'.repeat(3 << 20) + '1]')",
      "','.repeat(3 << 20).split(',')",
      "','.repeat(3 << 20).split(/,/)",
      "'x'.repeat(3 << 20).replace(/x/g, () => 'y').length",
    ]);
    expect(before?.slice(0, 3).every(Array.isArray)).to.equal(true);
    expect(after).to.deep.equal(new Array(4).fill('worker_out_of_memory'));
  });
});
