/** `primes_tool` and its sieve. */
import { expect } from 'chai';
import type { ToolDefinition } from '../../lib/tool/define-tool.ts';
import { primesTool } from '../../workers/tools/primes.ts';
import { sieve } from '../../workers/tools/sieve.ts';
import { callDirectly } from './direct-call.ts';

interface Block {
  from: number;
  to: number;
  count: number;
  largest: number | null;
  primes?: number[];
}

const call = (input: object) => callDirectly(primesTool as unknown as ToolDefinition, input);

function isPrime(number: number): boolean {
  for (let divisor = 2; divisor * divisor <= number; divisor++) if (number % divisor === 0) return false;
  return number > 1;
}

describe('primes_tool', () => {
  it('finds what trial division finds, wherever the range begins and ends', () => {
    for (const [from, to] of [
      [0, 200],
      [1, 1],
      [2, 2],
      [3, 3],
      [4, 4],
      [24, 28],
      [7, 7919],
      [999_900, 1_000_100],
      [4_294_967_000, 2 ** 32],
    ] as const) {
      const expected = [];
      for (let number = from; number <= to; number++) if (isPrime(number)) expected.push(number);
      const found: number[] = [];
      expect(
        sieve(from, to, (prime) => found.push(prime)),
        `${from}..${to}`,
      ).to.equal(expected.length);
      expect(found).to.deep.equal(expected);
    }
  });

  it('streams the primes of a narrow range in adjoining blocks and sums them up', async () => {
    const { chunks, result, progress } = await call({ from: 0, to: 99_999 });
    const blocks = chunks as Block[];
    expect(result).to.deep.equal({ from: 0, to: 99_999, count: 9592, largest: 99_991 });
    expect(blocks.map(({ from, to }) => [from, to])).to.deep.equal(
      Array.from({ length: 10 }, (_, n) => [n * 10_000, n * 10_000 + 9999]),
    );
    expect(blocks.flatMap(({ primes }) => primes)).to.have.length(9592);
    for (const { count, primes, largest } of blocks) {
      expect(primes).to.have.length(count);
      expect(largest).to.equal(primes?.at(-1));
    }
    expect(progress).to.have.length(10);
    expect(progress.at(-1)).to.deep.equal([100_000, 100_000, '9592 primes up to 99999']);
  });

  it('only counts in a wide range', async () => {
    const { chunks, result } = await call({ to: 20_000_000 });
    expect(result).to.deep.include({ count: 1_270_607 });
    expect(chunks).to.have.length(3);
    expect(chunks[0]).to.deep.equal({ from: 0, to: 9_999_999, count: 664_579, largest: 9_999_991 });
  });

  it('answers a range without primes', async () => {
    expect(await call({ from: 24, to: 28 })).to.deep.include({
      chunks: [{ from: 24, to: 28, count: 0, largest: null, primes: [] }],
      result: { from: 24, to: 28, count: 0, largest: null },
    });
  });

  it('refuses what is no range', async () => {
    for (const input of [{}, { to: -1 }, { to: 1.5 }, { to: '9' }, { to: 2 ** 32 + 1 }, { from: 9, to: 8 }]) {
      const error = await call(input).then(
        () => undefined,
        (thrown) => thrown,
      );
      expect(error?.code, JSON.stringify(input)).to.equal('invalid_arguments');
      expect(error.details.issues).to.have.length(1);
    }
  });
});
