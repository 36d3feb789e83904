/**
 * Opens many streams, sends a request on each at one moment and reads until each has had all its chunks and its end.
 * One JSON job in argv, one JSON answer on stdout.
 *
 * Job: {port, path, headers, body, streams, chunks, mark, until, server}. `mark` is found once in each chunk, `until`
 * once after the last; `server` is the pid whose CPU time is told. Times and CPU count from the first request sent to the
 * last end read: connections are opened before and closed after.
 *
 * M1. The client must not be what is measured: all sockets are read into one buffer, and each byte is looked at once, by
 *     a table that knows how far into the mark the stream is; so a mark cut in two by a read costs nothing either.
 * M2. A stream that is refused, ends early or says its end before its last chunk fails the run.
 */
import { connect } from 'node:net';
import { cpuMsUnder } from '../harness/proc.mjs';

const job = JSON.parse(process.argv[2]);
const OPENED_AT_ONCE = 100;
const FIRST_LINE = 'HTTP/1.1 200';
const buffer = Buffer.allocUnsafe(256 * 1024);

/** The automaton of Knuth, Morris and Pratt: `table[(found << 8) | byte]` is how much of the mark is found after a byte. */
function automaton(text) {
  const mark = Buffer.from(text);
  const table = new Uint8Array((mark.length + 1) << 8);
  table[mark[0]] = 1;
  let border = 0;
  for (let found = 1; found <= mark.length; found += 1) {
    table.copyWithin(found << 8, border << 8, (border + 1) << 8);
    if (found === mark.length) break;
    table[(found << 8) | mark[found]] = found + 1;
    border = table[(border << 8) | mark[found]];
  }
  return { table, length: mark.length };
}

const chunkMark = automaton(job.mark);
const endMark = automaton(job.until);

class Stream {
  #socket;
  #finish;
  #fail;
  /** How much of the mark that is looked for has been found. */
  #found = 0;
  #chunks = 0;
  #bytes = 0;
  #hasEnded = false;
  #beginning = '';
  ended = new Promise((resolve, reject) => {
    this.#finish = resolve;
    this.#fail = reject;
  });

  open() {
    return new Promise((resolve, reject) => {
      this.#socket = connect({
        port: job.port,
        host: '127.0.0.1',
        noDelay: true,
        onread: { buffer, callback: (length) => this.#read(length) },
      });
      this.#socket.once('connect', resolve);
      this.#socket.once('error', (error) => {
        reject(error);
        this.#fail(error);
      });
      this.#socket.once('close', () => {
        if (!this.#hasEnded) this.#refuse('closed');
      });
    });
  }

  send(request) {
    this.#socket.write(request);
  }

  close() {
    this.#socket.destroy();
  }

  #refuse(what) {
    this.#fail(
      new Error(
        `a stream ${what} after ${this.#chunks} of ${job.chunks} chunks: ${this.#beginning.slice(0, 200)}`,
      ),
    );
  }

  #read(length) {
    if (this.#bytes < FIRST_LINE.length) {
      this.#beginning += buffer.toString('latin1', 0, Math.min(length, 1000));
      if (!FIRST_LINE.startsWith(this.#beginning.slice(0, FIRST_LINE.length))) this.#refuse('was refused');
    }
    this.#bytes += length;
    const at = this.#countChunks(length);
    if (this.#chunks === job.chunks) this.#findEnd(at, length);
    return true;
  }

  /** @returns where it stopped: after the last chunk's mark, or at the end of what was read */
  #countChunks(length) {
    const { table, length: whole } = chunkMark;
    const left = job.chunks - this.#chunks;
    let found = this.#found;
    let counted = 0;
    let at = 0;
    while (at < length && counted < left) {
      found = table[(found << 8) | buffer[at]];
      at += 1;
      if (found === whole) counted += 1;
    }
    this.#chunks += counted;
    this.#found = counted === left && counted > 0 ? 0 : found;
    return at;
  }

  #findEnd(from, length) {
    if (this.#hasEnded) return;
    const { table, length: whole } = endMark;
    let found = this.#found;
    for (let at = from; at < length; at += 1) {
      found = table[(found << 8) | buffer[at]];
      if (found !== whole) continue;
      this.#hasEnded = true;
      this.#finish(this.#bytes);
      return;
    }
    this.#found = found;
  }
}

const head = Object.entries(job.headers).map(([name, value]) => `${name}: ${value}\r\n`);
const request = Buffer.from(
  `POST ${job.path} HTTP/1.1\r\nHost: 127.0.0.1:${job.port}\r\nContent-Length: ${Buffer.byteLength(job.body)}\r\n${head.join('')}\r\n${job.body}`,
);

const streams = Array.from({ length: job.streams }, () => new Stream());
const allEnded = Promise.all(streams.map((stream) => stream.ended));
for (let at = 0; at < streams.length; at += OPENED_AT_ONCE)
  await Promise.all(streams.slice(at, at + OPENED_AT_ONCE).map((stream) => stream.open()));

const serverCpuMs = cpuMsUnder(job.server);
const ownCpu = process.cpuUsage();
const startedAt = performance.now();
for (const stream of streams) stream.send(request);
const bytes = (await allEnded).reduce((sum, one) => sum + one, 0);
const ms = performance.now() - startedAt;
const { user, system } = process.cpuUsage(ownCpu);
const answer = {
  ms,
  bytes,
  cpuMs: cpuMsUnder(job.server) - serverCpuMs,
  clientCpuMs: (user + system) / 1000,
};
for (const stream of streams) stream.close();
process.stdout.write(JSON.stringify(answer));
