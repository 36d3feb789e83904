/**
 * Opens many streams, sends a request on each at one moment and reads until each has had all its bytes and its end.
 * One JSON job in argv, one JSON answer on stdout.
 *
 * Job: {port, path, headers, body, idMark, streams, leastBytes, until, server}. `leastBytes` is what a checked stream
 * carries before its end mark `until`; `server` is the pid whose CPU time is told; `idMark` in the body becomes the
 * number of the stream. Times and CPU count from the first request sent to the last end read: connections are opened
 * before and closed after.
 *
 * M1. The client must not be what is measured: all sockets are read into one buffer, whose bytes are only counted; the
 *     end mark is looked for where it can be, behind `leastBytes`.
 * M2. A stream that is refused, or ends with fewer bytes than the checked one, fails the run.
 */
import { connect } from 'node:net';
import { cpuMsUnder, mainCpuMsOf } from '../harness/proc.mjs';

const job = JSON.parse(process.argv[2]);
const OPENED_AT_ONCE = 100;
const FIRST_LINE = 'HTTP/1.1 200';
const buffer = Buffer.allocUnsafe(256 * 1024);
const endMark = Buffer.from(job.until);

class Stream {
  #socket;
  #finish;
  #fail;
  #bytes = 0;
  #hasEnded = false;
  #beginning = '';
  /** The end of what was read before: a mark may be cut in two. */
  #tail = Buffer.alloc(0);
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
    const bytes = `${this.#bytes} of ${job.leastBytes} bytes`;
    this.#fail(new Error(`a stream ${what} after ${bytes}: ${this.#beginning.slice(0, 200)}`));
  }

  #read(length) {
    if (this.#bytes < FIRST_LINE.length) {
      this.#beginning += buffer.toString('latin1', 0, Math.min(length, 1000));
      if (!FIRST_LINE.startsWith(this.#beginning.slice(0, FIRST_LINE.length))) this.#refuse('was refused');
    }
    this.#bytes += length;
    // A mark that ends behind `leastBytes` may begin in the read before.
    if (this.#bytes + endMark.length >= job.leastBytes && !this.#hasEnded) this.#findEnd(length);
    return true;
  }

  #findEnd(length) {
    const data = buffer.subarray(0, length);
    const seam = Buffer.concat([this.#tail, data.subarray(0, endMark.length)]);
    this.#tail = Buffer.concat([this.#tail, data.subarray(-endMark.length)]).subarray(-endMark.length);
    if (this.#bytes < job.leastBytes || (!data.includes(endMark) && !seam.includes(endMark))) return;
    this.#hasEnded = true;
    this.#finish(this.#bytes);
  }
}

const head = Object.entries(job.headers).map(([name, value]) => `${name}: ${value}\r\n`);
const FIRST_ID = 10_000_000;

function requestOf(stream) {
  const body = job.body.replace(job.idMark, String(FIRST_ID + stream));
  const size = `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return Buffer.from(
    `POST ${job.path} HTTP/1.1\r\nHost: 127.0.0.1:${job.port}\r\n${size}${head.join('')}\r\n${body}`,
  );
}

const requests = Array.from({ length: job.streams }, (_, stream) => requestOf(stream));
const streams = Array.from({ length: job.streams }, () => new Stream());
const allEnded = Promise.all(streams.map((stream) => stream.ended));
for (let at = 0; at < streams.length; at += OPENED_AT_ONCE)
  await Promise.all(streams.slice(at, at + OPENED_AT_ONCE).map((stream) => stream.open()));

const [serverCpuMs, serverMainMs] = [cpuMsUnder(job.server), mainCpuMsOf(job.server)];
const ownCpu = process.cpuUsage();
const startedAt = performance.now();
for (const [at, stream] of streams.entries()) stream.send(requests[at]);
const bytes = (await allEnded).reduce((sum, one) => sum + one, 0);
const ms = performance.now() - startedAt;
const { user, system } = process.cpuUsage(ownCpu);
const answer = {
  ms,
  bytes,
  cpuMs: cpuMsUnder(job.server) - serverCpuMs,
  mainCpuMs: mainCpuMsOf(job.server) - serverMainMs,
  clientCpuMs: (user + system) / 1000,
};
for (const stream of streams) stream.close();
process.stdout.write(JSON.stringify(answer));
