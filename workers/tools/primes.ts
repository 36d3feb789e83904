/**
 * `primes_tool`: finds the primes of a range, a chunk per block; the gateway's own example of a tool that burns CPU.
 *
 * P1. It computes in earnest and never sleeps. It yields after every block, and that is where a cancel reaches it.
 * P2. A range of up to LISTED_NUMBERS numbers lists its primes; a wider one only counts them, so that chunks stay
 *     small.
 *
 * Quick start: {"from": 0, "to": 2500000000} keeps one core busy for a few seconds.
 */
import { z } from 'zod';
import { ToolError } from '../../lib/call/tool-error.ts';
import { defineTool } from '../../lib/tool/define-tool.ts';
import { SIEVE_LIMIT, sieve } from './sieve.ts';

const LISTED_NUMBERS = 1_000_000;
const LISTED_BLOCK = 10_000;
const COUNTED_BLOCK = 10_000_000;

const number = () => z.int().min(0).max(SIEVE_LIMIT);

const PrimesInput = z
  .object({
    from: number().default(0).describe('First number of the range.'),
    to: number().describe('Last number of the range.'),
  })
  .meta({ examples: [{ from: 0, to: 2_500_000_000 }] });

const Block = z.object({
  from: z.int(),
  to: z.int(),
  count: z.int().describe('Primes in this block.'),
  largest: z.int().nullable().describe('Largest prime in this block; null when it has none.'),
  primes: z.array(z.int()).optional().describe('The primes of this block, where the range is not too wide.'),
});

const Summary = z.object({
  from: z.int(),
  to: z.int(),
  count: z.int().describe('Primes in the range.'),
  largest: z.int().nullable().describe('Largest prime in the range; null when it has none.'),
});

export const primesTool = defineTool({
  name: 'primes_tool',
  title: 'Primes',
  description:
    'Finds the primes between two numbers, both included, up to 2^32. Streams block by block; lists the primes of ranges of up to a million numbers, and counts those of wider ones. For example {"from": 0, "to": 2500000000} takes a few seconds.',
  input: PrimesInput,
  chunk: Block,
  output: Summary,
  annotations: { readOnlyHint: true, idempotentHint: true, openWorldHint: false },
  isolation: 'exclusive',
  async *run({ from, to }, { progress }) {
    if (from > to) {
      const message = `from (${from}) must not be above to (${to})`;
      throw new ToolError('invalid_arguments', message, {
        details: { issues: [{ path: 'from', message, code: 'custom' }] },
      });
    }
    const numbers = to - from + 1;
    const lists = numbers <= LISTED_NUMBERS;
    const size = lists ? LISTED_BLOCK : COUNTED_BLOCK;
    let total = 0;
    let largestOfAll: number | null = null;
    for (let start = from; start <= to; start += size) {
      const end = Math.min(start + size - 1, to);
      const primes: number[] = [];
      let largest: number | null = null;
      const count = sieve(start, end, (prime) => {
        largest = prime;
        if (lists) primes.push(prime);
      });
      total += count;
      largestOfAll = largest ?? largestOfAll;
      yield { from: start, to: end, count, largest, ...(lists ? { primes } : {}) };
      progress(end - from + 1, numbers, `${total} primes up to ${end}`);
    }
    return { from, to, count: total, largest: largestOfAll };
  },
});
