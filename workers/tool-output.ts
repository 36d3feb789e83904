/**
 * What a tool prints becomes log records: over stdio the gateway's stdout belongs to the protocol, and
 * everywhere a line without its call is of little use.
 *
 * Covers console and process.stdout/stderr.write; not a write to descriptor 1 itself (`fs.writeSync(1, …)`).
 */
import type { LogLevel } from '../lib/call/log-level.ts';

import { chain, indexOf, slice, textOf } from './intrinsics/captured.ts';

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
    const text = partial + (typeof chunk === 'string' ? chunk : textOf(chunk));
    let start = 0;
    for (let end = indexOf(text, '\n'); end >= 0; end = indexOf(text, '\n', start)) {
      if (end > start) record(slice(text, start, end));
      start = end + 1;
    }
    partial = slice(text, start);
    if (partial.length > MAX_PARTIAL) {
      record(partial);
      partial = '';
    }
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') void chain(settled, () => done());
    return true;
  }) as Write;
}
