/**
 * The pipes of a server's process: one message a line.
 *
 * S1. Requests of several callers share one pipe: while one of their readers is behind it is not read, and the others
 *     wait too. What a server writes meanwhile waits in its own process.
 * S2. What it writes to stderr is its log, told line by line.
 */
import { LineReader } from '../../../async/line-reader.ts';
import type { StdioSource } from '../file/server-entry.ts';
import type { OpenWire, Outgoing, RequestId, Wire, WireListener } from '../protocol/wire.ts';
import { serverEnvironment } from './environment.ts';
import { ProcessGroup } from './process-group.ts';

const MOST_UNSENT = 8 * 1024 ** 2;
const LOG_LINE_BYTES = 8 * 1024;

export interface StdioOptions {
  /** The longest message, in bytes. */
  readonly maxBytes: number;
  /** Told of each line on stderr. */
  readonly log: (line: string) => void;
}

export const openStdio =
  (source: StdioSource, options: StdioOptions): OpenWire =>
  (listener) =>
    new StdioWire(source, options, listener);

class StdioWire implements Wire {
  readonly #group: ProcessGroup;
  readonly #holders = new Set<RequestId>();
  #isClosed = false;
  /** What goes out with the next write: one for all that comes in one turn of the loop, since each costs a system call. */
  #unwritten = '';

  constructor(source: StdioSource, { maxBytes, log }: StdioOptions, listener: WireListener) {
    const end = (reason: string) => {
      if (this.#isClosed) return;
      this.#isClosed = true;
      listener.closed(reason);
    };
    const program = { ...source, env: serverEnvironment(source.env) };
    let exit: string | null = null;
    let isRead = false;
    this.#group = new ProcessGroup(program, (reason) => {
      exit = reason;
      // What it has written before is read first: the answer may be there.
      if (isRead || this.#group.pid === undefined) end(reason);
      else setTimeout(() => end(reason), LAST_WORDS_MS).unref();
    });
    const lines = new LineReader(maxBytes, {
      line: (text) => {
        if (!this.#isClosed) listener.received(text, undefined);
      },
      tooLong: () => undefined,
      skipped: (head, tail) => listener.tooLong({ head, tail }, undefined),
      notUtf8: () => listener.received('(no UTF-8)', undefined),
    });
    const { stdout, stderr } = this.#group;
    stdout.on('data', (bytes: Buffer) => lines.push(bytes));
    stdout.once('end', () => {
      lines.end();
      isRead = true;
      if (exit !== null) return end(exit);
      // A server without a voice is none: it is given a moment to say how it ends.
      setTimeout(() => end(exit ?? 'has closed its output'), LAST_WORDS_MS).unref();
    });
    const told = new LineReader(LOG_LINE_BYTES, {
      line: log,
      tooLong: () => log('(a line of more than 8 KiB)'),
      notUtf8: () => log('(a line that is no UTF-8)'),
    });
    stderr.on('data', (bytes: Buffer) => told.push(bytes));
    for (const stream of [stdout, stderr]) stream.on('error', () => undefined);
  }

  get isBehind(): boolean {
    return this.#group.stdin.writableLength + this.#unwritten.length > MOST_UNSENT;
  }

  get processes(): readonly number[] {
    const { pid } = this.#group;
    return pid === undefined ? [] : [pid];
  }

  send({ text }: Outgoing): void {
    if (this.#isClosed) return;
    if (this.#unwritten === '') setImmediate(this.#flush);
    this.#unwritten += `${text}\n`;
  }

  readonly #flush = (): void => {
    const { stdin } = this.#group;
    if (this.#unwritten !== '' && stdin.writable) stdin.write(this.#unwritten);
    this.#unwritten = '';
  };

  hold(isHeld: boolean, id: RequestId): void {
    if (isHeld) {
      if (this.#holders.size === 0) this.#group.stdout.pause();
      this.#holders.add(id);
    } else if (this.#holders.delete(id) && this.#holders.size === 0) this.#group.stdout.resume();
  }

  forget(id: RequestId): void {
    this.hold(false, id);
  }

  readonly isSessionless = undefined;

  agreed(): void {}

  close(stepMs?: number): Promise<void> {
    this.#flush();
    this.#isClosed = true;
    return this.#group.close(stepMs);
  }
}

/** A pipe may tell its end a moment after its process did. */
const LAST_WORDS_MS = 250;
