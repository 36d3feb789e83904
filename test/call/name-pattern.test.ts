/** What a pattern of names stands for. */
import { expect } from 'chai';
import { matchesName } from '../../lib/call/name-pattern.ts';

describe('a pattern of names', () => {
  const cases: [pattern: string, names: string[], others: string[]][] = [
    ['echo', ['echo'], ['echo2', 'Echo', 'ech', '']],
    ['*', ['', 'a', 'a.b_c'], []],
    ['journeys_*', ['journeys_', 'journeys_tool'], ['journeys', 'my_journeys_tool']],
    ['*_tool', ['_tool', 'primes_tool', '_tool_tool'], ['primes_tools', 'tool']],
    ['a*b*c', ['abc', 'aXbYc', 'abbc', 'abcbc'], ['acb', 'ab', 'abcd']],
    ['?cho', ['echo', 'Xcho'], ['cho', 'eecho']],
    ['a?*', ['ab', 'abc'], ['a']],
    ['', [''], ['a']],
    ['a.c', ['a.c'], ['abc']],
    ['[ab]', ['[ab]'], ['a']],
  ];
  for (const [pattern, names, others] of cases) {
    it(`"${pattern}"`, () => {
      for (const name of names) expect(matchesName(pattern, name), name).to.equal(true);
      for (const name of others) expect(matchesName(pattern, name), name).to.equal(false);
    });
  }

  it('that would send a backtracking matcher astray is decided at once', () => {
    expect(matchesName(`${'*a'.repeat(40)}b`, 'a'.repeat(10_000))).to.equal(false);
  });
});
