/**
 * JSON as people write configuration: with comments, and with a comma behind the last member.
 *
 * J1. What is taken away becomes blanks, so that the place that an error names is the one in the file.
 */

/** @throws {SyntaxError} with line and column. */
export function parseJsonc(text: string): unknown {
  const plain = withoutComments(text.charCodeAt(0) === 0xfeff ? ` ${text.slice(1)}` : text);
  try {
    return JSON.parse(plain);
  } catch (error) {
    const [, at] = /position (\d+)/.exec((error as Error).message) ?? [];
    const before = plain.slice(0, at === undefined ? plain.length : Number(at)).split('\n');
    const place = `line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
    throw new SyntaxError(`it is no JSON at ${place}`);
  }
}

const STRING_OR_COMMENT = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
/** A string, or a comma that only a closing bracket follows. */
const STRING_OR_LAST_COMMA = /"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g;

const withoutComments = (text: string): string =>
  text
    .replace(STRING_OR_COMMENT, (found) => (found.startsWith('"') ? found : found.replace(/[^\n]/g, ' ')))
    .replace(STRING_OR_LAST_COMMA, (found) => (found === ',' ? ' ' : found));
