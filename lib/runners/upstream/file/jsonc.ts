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
  } catch {
    const before = plain.slice(0, faultIn(plain)).split('\n');
    const place = `line ${before.length}, column ${before.at(-1)?.length ?? 0}`;
    throw new SyntaxError(`it is no JSON at ${place}`);
  }
}

/** How much of a text it takes to know that it is no JSON; Node tells the place in some versions only. */
function faultIn(text: string): number {
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (mayGoOn(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return bad;
}

function mayGoOn(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as Error;
    const [, at] = /position (\d+)/.exec(message) ?? [];
    return at === undefined ? message.includes('end of JSON') : Number(at) >= text.length;
  }
}

const STRING_OR_COMMENT = /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;
/** A string, or a comma that only a closing bracket follows. */
const STRING_OR_LAST_COMMA = /"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])/g;

const withoutComments = (text: string): string =>
  text
    .replace(STRING_OR_COMMENT, (found) => (found.startsWith('"') ? found : found.replace(/[^\n]/g, ' ')))
    .replace(STRING_OR_LAST_COMMA, (found) => (found === ',' ? ' ' : found));
