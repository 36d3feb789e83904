/**
 * Patterns of names, as files of keys and of limits have them: `*` stands for any characters, `?` for one, everything
 * else for itself, in its case.
 *
 * N1. No regular expression: the time for a name grows with its length times the pattern's, whatever they are.
 */

/** Whether a pattern stands for a name. */
export function matchesName(pattern: string, name: string): boolean {
  let at = 0;
  let inName = 0;
  let star = -1;
  let afterStar = 0;
  while (inName < name.length) {
    if (pattern[at] === '*') {
      star = at++;
      afterStar = inName;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[inName])) {
      at++;
      inName++;
    } else if (star >= 0) {
      at = star + 1;
      inName = ++afterStar;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
