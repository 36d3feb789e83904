/**
 * Finds which template a URI belongs to, and the values of its variables.
 *
 * M1. Linear in the length of the URI: clients choose it, and a backtracking match of a hostile one takes seconds.
 * M2. RFC 6570 level 1: `{name}` stands for one or more characters but `/`, percent-encoded.
 */

/** URIs above this are refused before any matching. */
export const MAX_URI_LENGTH = 2048;

export type TemplateMatcher = (uri: string) => Readonly<Record<string, string>> | null;

/** Compiles a template such as `journey://{id}`. */
export function templateMatcher(template: string): TemplateMatcher {
  const parts = template.split(/\{([^{}]+)\}/);
  const names = parts.filter((_, at) => at % 2 === 1);
  const literals = parts.filter((_, at) => at % 2 === 0);
  return (uri) => {
    const first = literals[0] ?? '';
    if (!uri.startsWith(first)) return null;
    const values: Record<string, string> = Object.create(null);
    let at = first.length;
    for (const [index, name] of names.entries()) {
      const literal = literals[index + 1] ?? '';
      const isLast = index === names.length - 1;
      const end = isLast ? uri.length - literal.length : uri.indexOf(literal, at + 1);
      if (end <= at || !uri.startsWith(literal, end)) return null;
      const raw = uri.slice(at, end);
      if (raw.includes('/')) return null;
      const value = decode(raw);
      if (value === null) return null;
      values[name] = value;
      at = end + literal.length;
    }
    return at === uri.length ? values : null;
  };
}

function decode(raw: string): string | null {
  try {
    return decodeURIComponent(raw);
  } catch {
    return null;
  }
}
