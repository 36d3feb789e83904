/**
 * What a tool prints becomes log records: over stdio the gateway's stdout belongs to the protocol, and
 * everywhere a line without its call is of little use.
 *
 * Covers console and process.stdout/stderr.write; not a write to descriptor 1 itself (`fs.writeSync(1, …)`).
 */
import type { LogLevel } from '../lib/call/log-level.ts';

type Write = typeof process.stdout.write;

const settled = Promise.resolve();

/** Replaces the thread's output streams; `record` gets each whole line. */
export function captureOutput(record: (level: LogLevel, line: string) => void): void {
  process.stdout.write = lineWriter((line) => record('info', line));
  process.stderr.write = lineWriter((line) => record('warning', line));
}

/** A partial line longer than this is recorded as it is: a tool may never end it. */
const MAX_PARTIAL = 64 * 1024;

function lineWriter(record: (line: string) => void): Write {
  let partial = '';
  return ((chunk: string | Uint8Array, encoding?: unknown, callback?: unknown) => {
    const lines = (partial + (typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'))).split(
      '\n',
    );
    partial = lines.pop() ?? '';
    if (partial.length > MAX_PARTIAL) {
      lines.push(partial);
      partial = '';
    }
    for (const line of lines) if (line !== '') record(line);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') settled.then(() => done());
    return true;
  }) as Write;
}
