/**
 * Keeps keys out of the log, wherever in a record they turn up: a header, a URL, what a tool printed.
 *
 * R1. The finished line is searched, so that no new field can leak what nobody thought of.
 * R2. A key shorter than 6 characters is not searched for: it would black out ordinary words.
 */
const MASK = '[redacted]';
const SHORTEST_SEARCHED = 6;

/** What JSON leaves as it is, though a terminal acts on it or a reader is led astray by it: DEL, C1, directions, line ends. */
const RAW_CONTROLS = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
/** Controls that JSON has escaped, but the ends of lines and tabs: a readable log would write them out again. */
const ESCAPED_CONTROLS = /\\(?:[bf]|u00(?:0[0-8bcef]|1[0-9a-f]|7f|[89][0-9a-f]))/gi;

/** Escapes, in a line of JSON, what is no visible character. */
export function escapeControls(line: string): string {
  // Nearly all lines are ASCII, which is found out faster than a set of ranges is searched for.
  if (Buffer.byteLength(line) === line.length && !line.includes('\x7f')) return line;
  return line.replace(RAW_CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Puts U+FFFD for what would be a control character once the line of JSON is read. */
export function replaceControls(line: string): string {
  // A backslash that is itself escaped begins no escape.
  return line.replace(/\\\\/g, '\\u005c').replace(RAW_CONTROLS, '\ufffd').replace(ESCAPED_CONTROLS, '\ufffd');
}

/** Hides the value of `api_key` in a URL. */
export function redactUrl(url: string): string {
  return url.replace(/([?&]api_key=)[^&#]*/gi, `$1${MASK}`);
}

/** Gives a function that hides keys, as they are and in the form a WebSocket subprotocol carries. */
export function keyRedactor(keys: () => readonly string[]): (line: string) => string {
  let known: readonly string[] = [];
  let needles: readonly string[] = [];
  return (line) => {
    if (keys() !== known) {
      known = keys();
      needles = needlesOf(known);
    }
    let redacted = line;
    for (const needle of needles) {
      if (redacted.includes(needle)) redacted = redacted.replaceAll(needle, MASK);
    }
    return redacted;
  };
}

function needlesOf(keys: readonly string[]): readonly string[] {
  const needles = keys
    .filter((key) => key.length >= SHORTEST_SEARCHED)
    .flatMap((key) => [
      JSON.stringify(key).slice(1, -1),
      encodeURIComponent(key),
      Buffer.from(key).toString('base64url'),
    ]);
  return [...new Set(needles)];
}
