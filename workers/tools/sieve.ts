/**
 * The sieve of Eratosthenes, one cache-sized segment at a time, odd numbers only.
 *
 * V1. Exact up to SIEVE_LIMIT; memory does not depend on the range (the primes up to the root of the limit).
 * V2. Synchronous and CPU-bound: whoever calls it decides how often to breathe.
 */

export const SIEVE_LIMIT = 2 ** 32;

/** Odd numbers in a segment: its flags fit a processor's second-level cache. */
const SEGMENT_ODDS = 2 ** 17;

const flags = new Uint8Array(SEGMENT_ODDS);
let basePrimes: Uint32Array | undefined;

/** The primes from `from` to `to`, both included; `visit` gets each in order. @returns how many there are. */
export function sieve(from: number, to: number, visit?: (prime: number) => void): number {
  basePrimes ??= oddPrimesUpTo(Math.ceil(Math.sqrt(SIEVE_LIMIT)));
  let count = 0;
  if (from <= 2 && to >= 2) {
    count++;
    visit?.(2);
  }
  for (let low = Math.max(3, from + (1 - (from % 2))); low <= to; low += 2 * SEGMENT_ODDS) {
    const odds = Math.min(SEGMENT_ODDS, Math.floor((to - low) / 2) + 1);
    markComposites(low, odds, basePrimes);
    for (let index = 0; index < odds; index++) {
      if (flags[index] === 1) continue;
      count++;
      visit?.(low + 2 * index);
    }
  }
  return count;
}

/** Sets the flag of every composite among `odds` odd numbers from `low` on. */
function markComposites(low: number, odds: number, primes: Uint32Array): void {
  flags.fill(0, 0, odds);
  const high = low + 2 * (odds - 1);
  for (let at = 0; at < primes.length; at++) {
    const prime = primes[at] as number;
    if (prime * prime > high) return;
    let multiple = Math.max(prime * prime, Math.ceil(low / prime) * prime);
    if (multiple % 2 === 0) multiple += prime;
    for (let index = (multiple - low) / 2; index < odds; index += prime) flags[index] = 1;
  }
}

function oddPrimesUpTo(limit: number): Uint32Array {
  const composite = new Uint8Array(limit + 1);
  const primes: number[] = [];
  for (let number = 3; number <= limit; number += 2) {
    if (composite[number]) continue;
    primes.push(number);
    for (let multiple = number * number; multiple <= limit; multiple += 2 * number) composite[multiple] = 1;
  }
  return Uint32Array.from(primes);
}
