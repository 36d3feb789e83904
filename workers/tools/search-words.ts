/**
 * The words of a text as a search compares them: small letters without accents, as SQLite's full-text index has them.
 *
 * S1. A text is `\n word word …`: each word has a space before it, so that ` be` finds the beginnings of words.
 * S2. What a search looks for in it has no sign that LIKE knows: letters and digits alone are left.
 */

function wordsIn(text: string): readonly string[] {
  const plain = text.normalize('NFD').replace(/\p{M}+/gu, '');
  return plain.toLowerCase().match(/[\p{L}\p{N}\p{Co}]+/gu) ?? [];
}

/** What is found of a journey. A phrase never spans two of its texts. */
export function searchText(texts: readonly string[]): string {
  return texts.map((text) => `\n ${wordsIn(text).join(' ')}`).join('');
}

/**
 * Patterns for LIKE, all of which must fit; null for a query without a word, which all journeys fit, and empty for one that
 * none fits.
 */
export function searchPatterns(query: string | undefined): readonly string[] | null {
  const given = new Set(query?.split(/\s+/u));
  given.delete('');
  if (given.size === 0) return null;
  return [...given].flatMap((word) => {
    const words = wordsIn(word);
    return words.length === 0 ? [] : [`% ${words.join(' ')}%`];
  });
}
