/**
 * The hand-over of stdio: the client, whose stdin and stdout this process keeps.
 *
 * R1. A gateway speaks the protocol on descriptors 3 and 4. Its descriptor 1 is stderr, so that whatever a tool or
 *     native code prints never reaches the client.
 * R2. Lines are passed on whole: what a gateway had half written when it died is dropped.
 * R3. What comes while no gateway serves waits. Neither side is read faster than the other takes it, so that no more is
 *     held here than a pipe holds, and one line.
 * R4. When stdin ends, the gateway's ends behind all that waits; when stdout breaks, both do at once. Three seconds later
 *     nothing is left.
 */
import type { ChildProcess, StdioOptions } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { LineReader } from '../../async/line-reader.ts';
import { LineWriter } from '../../async/line-writer.ts';
import type { Handover } from '../handover.ts';
import { CLIENT_INPUT, CLIENT_OUTPUT, type ToSupervisor } from '../messages.ts';
import { ClientSession } from './client-session.ts';

export interface StdioHandoverOptions {
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** Longer lines of the client are refused and skipped. */
  readonly maxLineBytes: number;
  /** Told once when the client has left, and by when the gateway has to be gone, in milliseconds. */
  onLeft(ms: number): void;
}

/** So much may wait for a gateway before the client is read no further. */
const MAX_WAITING_CHARACTERS = 65_536;
/** How long what a dead gateway had written may take, and what is written to the client at last. */
const LAST_LINES_MS = 500;
/** A client that left has nothing of it running three seconds later: its gateway ends by itself, or by now. */
export const GATEWAY_GONE_MS = 2900;
const ALL_GONE_MS = 2970;

const INVALID_REQUEST = -32600;
const PARSE_ERROR = -32700;

export class StdioHandover implements Handover {
  readonly stdio: StdioOptions = ['ignore', 2, 2, 'pipe', 'pipe', 'ipc'];
  readonly #options: StdioHandoverOptions;
  readonly #session: ClientSession;
  readonly #writer: LineWriter;
  /** Lines of the client for which there was no gateway yet. */
  #waiting: string[] = [];
  #waitingCharacters = 0;
  #input: Writable | undefined;
  #output: Readable | undefined;
  #outputEnded: Promise<unknown> = Promise.resolve();
  #serves = false;
  /** When the client left. */
  #leftAt: number | undefined;
  #isDying = false;
  /** Whether a notification was among the lines that were read together. */
  #hasNotified = false;

  constructor(options: StdioHandoverOptions) {
    this.#options = options;
    const { stdin, stdout, maxLineBytes } = options;
    this.#writer = new LineWriter(stdout);
    this.#session = new ClientSession({
      toGateway: (text) => void this.#input?.write(`${text}\n`),
      toClient: (text, isResponse) => this.#write(text, isResponse),
    });
    const lines = new LineReader(maxLineBytes, {
      line: (text) => this.#line(text),
      tooLong: () => this.#refuse(INVALID_REQUEST, `a line is longer than ${maxLineBytes} bytes`),
      notUtf8: () => this.#refuse(PARSE_ERROR, 'a line is not valid UTF-8'),
    });
    stdin.on('data', (bytes: Buffer) => {
      lines.push(bytes);
      this.#paceClient();
    });
    stdin.once('end', () => {
      lines.end();
      this.#leave();
    });
    stdin.once('close', () => this.#leave());
    const broken = () => {
      this.#writer.abandon();
      this.#output?.destroy();
      this.#leave();
    };
    stdout.on('error', broken);
    stdout.once('close', broken);
  }

  /** Nobody is there any more, and nothing that was asked waits. */
  get isOver(): boolean {
    return this.#leftAt !== undefined && this.#waiting.length === 0;
  }

  begin(child: ChildProcess): undefined {
    const input = child.stdio[CLIENT_INPUT] as Writable;
    const output = child.stdio[CLIENT_OUTPUT] as Readable;
    this.#input = input;
    this.#output = output;
    this.#isDying = false;
    this.#outputEnded = new Promise((resolve) => output.once('close', resolve));
    input.on('error', () => {}); // its exit is told
    input.on('drain', () => this.#paceClient());
    output.on('error', () => {});
    const lines = new LineReader(Number.POSITIVE_INFINITY, {
      line: (text) => this.#session.fromGateway(text),
      tooLong: () => {},
      notUtf8: () => {}, // no client could read it
    });
    output.on('data', (bytes: Buffer) => {
      this.#hasNotified = false;
      lines.push(bytes);
      this.#paceGateway(output);
    });
  }

  heard(message: ToSupervisor): void {
    if (message.type !== 'ready') return;
    this.#session.served(message.repeatable);
    this.#session.replay(() => this.#serve());
  }

  async ended(): Promise<void> {
    this.#serves = false;
    this.#isDying = true;
    this.#output?.resume(); // what a pipe held is little, and the client is owed it
    await Promise.race([this.#outputEnded, sleep(LAST_LINES_MS)]);
    this.#input?.destroy();
    this.#output?.destroy();
    this.#session.lost();
    this.#paceClient();
    const until = this.#leftAt === undefined ? performance.now() + LAST_LINES_MS : this.#leftAt + ALL_GONE_MS;
    while (this.#writer.heldBack > 0 && performance.now() < until) await sleep(5);
    await Promise.race([this.#writer.flushed(), sleep(Math.max(0, until - performance.now()))]);
  }

  #serve(): void {
    this.#serves = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingCharacters = 0;
    for (const text of waiting) this.#session.fromClient(text);
    if (this.#leftAt !== undefined) this.#input?.end();
    this.#paceClient();
  }

  #line(text: string): void {
    if (this.#serves) return this.#session.fromClient(text);
    this.#waiting.push(text);
    this.#waitingCharacters += text.length;
  }

  #refuse(code: number, message: string): void {
    this.#write(`{"jsonrpc":"2.0","id":null,"error":${JSON.stringify({ code, message })}}`, true);
  }

  /** A response is kept apart from a notification before it, which clients drop when they read both at once. */
  #write(text: string, isResponse: boolean): void {
    if (isResponse && this.#hasNotified) return this.#writer.writeApart(text);
    this.#hasNotified ||= !isResponse;
    this.#writer.write(text);
  }

  #paceClient(): void {
    const { stdin } = this.#options;
    const isBehind = this.#serves
      ? this.#input?.writableNeedDrain
      : this.#waitingCharacters > MAX_WAITING_CHARACTERS;
    if (isBehind) stdin.pause();
    else if (stdin.isPaused()) stdin.resume();
  }

  #paceGateway(output: Readable): void {
    if (this.#isDying) return;
    const drained = this.#writer.drained();
    if (!drained) return;
    output.pause();
    void drained.then(() => output.resume());
  }

  #leave(): void {
    if (this.#leftAt !== undefined) return;
    this.#leftAt = performance.now();
    if (this.#serves) this.#input?.end();
    this.#options.onLeft(GATEWAY_GONE_MS);
  }
}
