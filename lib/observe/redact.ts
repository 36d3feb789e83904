/**
 * Keeps keys out of the log, wherever in a record they turn up: a header, a URL, what a tool printed.
 *
 * R1. The finished line is searched, so that no new field can leak what nobody thought of.
 * R2. A key shorter than 6 characters is not searched for: it would black out ordinary words.
 */
const MASK = '[redacted]';
const SHORTEST_SEARCHED = 6;

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
