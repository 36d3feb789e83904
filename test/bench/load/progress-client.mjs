/**
 * One call over /mcp that reports progress: how many of its reports arrive before the result. Reports count too where
 * they come on the session's own stream. One JSON job in argv ({url, headers, body}), one JSON answer on stdout.
 */
const { url, headers, body } = JSON.parse(process.argv[2]);
const LIMIT_MS = 60_000;
/** A report on another stream may come a moment behind the result. */
const LATE_MS = 1000;
const MARK = '"notifications/progress"';

let reports = 0;
const stop = new AbortController();

async function read(response, isOver) {
  let rest = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      if (line.includes(MARK)) reports += 1;
      else if (isOver && line.includes('"result"')) return;
      if (line.includes('"error"')) throw new Error(line.slice(0, 200));
    }
  }
}

const limit = setTimeout(() => stop.abort(), LIMIT_MS);
const news = fetch(url, { headers: { ...headers, Accept: 'text/event-stream' }, signal: stop.signal })
  .then((response) => (response.ok ? read(response, false) : undefined))
  .catch(() => undefined);
const startedAt = performance.now();
await read(await fetch(url, { method: 'POST', headers, body, signal: stop.signal }), true);
const wallMs = performance.now() - startedAt;
await new Promise((resolve) => setTimeout(resolve, LATE_MS));
clearTimeout(limit);
stop.abort();
await news;
process.stdout.write(JSON.stringify({ reports, wallMs }), () => process.exit());
