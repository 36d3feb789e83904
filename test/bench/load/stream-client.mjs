/**
 * Reads one response as fast as a client can: a raw socket that counts bytes and only looks for the end mark, so that
 * the client is never what is measured. One JSON job in argv, one JSON answer on stdout.
 *
 * Job: {port, path, headers, body, until, websocket?, verify?, repeat?, firstMark?}. Times count from the request's
 * last byte being handed to the socket. `verify` counts the frames (slower: used in the untimed run only).
 */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

const job = JSON.parse(process.argv[2]);
const headText = (lines) => `${lines.join('\r\n')}\r\n\r\n`;
const headerLines = Object.entries(job.headers).map(([name, value]) => `${name}: ${value}`);

function postBytes(keepAlive) {
  const head = headText([
    `POST ${job.path} HTTP/1.1`,
    `Host: 127.0.0.1:${job.port}`,
    `Content-Length: ${Buffer.byteLength(job.body)}`,
    `Connection: ${keepAlive ? 'keep-alive' : 'close'}`,
    ...headerLines,
  ]);
  return Buffer.from(head + job.body);
}

/** One masked text frame; the mask is zero, which the protocol allows. */
function frameBytes(text) {
  const payload = Buffer.from(text);
  const size =
    payload.length < 126 ? [0x80 | payload.length] : [0x80 | 126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([0x81, ...size, 0, 0, 0, 0]), payload]);
}

async function openSocket() {
  const socket = connect(job.port, '127.0.0.1');
  socket.setNoDelay(true);
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  if (!job.websocket) return socket;
  const upgrade = [
    `GET ${job.path} HTTP/1.1`,
    `Host: 127.0.0.1:${job.port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ...headerLines,
  ];
  socket.write(headText(upgrade));
  const answer = await new Promise((resolve) => socket.once('data', resolve));
  if (!answer.toString('latin1').startsWith('HTTP/1.1 101'))
    throw new Error(answer.toString('latin1', 0, 200));
  return socket;
}

/** Reads until the end mark; the tail of the part before is kept, since a mark may be cut in two. */
function readUntil(socket, request) {
  return new Promise((resolve, reject) => {
    const mark = Buffer.from(job.until);
    const firstMark = job.firstMark === undefined ? undefined : Buffer.from(job.firstMark);
    let tail = Buffer.alloc(0);
    let bytes = 0;
    let firstMs;
    const parts = [];
    const startedAt = performance.now();
    const finish = () => {
      socket.off('data', receive);
      const ms = performance.now() - startedAt;
      resolve({ ms, firstMs, bytes, text: job.verify ? Buffer.concat(parts).toString('latin1') : undefined });
    };
    const receive = (data) => {
      bytes += data.length;
      if (firstMs === undefined && (firstMark === undefined || data.includes(firstMark)))
        firstMs = performance.now() - startedAt;
      if (job.verify) parts.push(data);
      const seam = Buffer.concat([tail, data.subarray(0, mark.length)]);
      if (seam.includes(mark) || data.includes(mark)) return finish();
      tail = Buffer.concat([tail, data.subarray(-mark.length)]).subarray(-mark.length);
    };
    socket.on('data', receive);
    socket.once('close', () =>
      reject(new Error(`the connection closed after ${bytes} bytes without "${job.until}"`)),
    );
    socket.once('error', reject);
    socket.write(request);
  });
}

/** What a response carries, without its head and the framing of HTTP's chunks; what came over a WebSocket, as it is. */
function payloadOf(text) {
  if (job.websocket) return text;
  const head = text.indexOf('\r\n\r\n') + 4;
  if (!/transfer-encoding: chunked/i.test(text.slice(0, head))) return text.slice(head);
  const parts = [];
  for (let at = head; at < text.length; ) {
    const from = text.indexOf('\r\n', at) + 2;
    const length = Number.parseInt(text.slice(at, from), 16);
    // The last one may have been read in part: what follows the end mark is nobody's.
    parts.push(text.slice(from, from + length));
    if (!(length > 0)) break;
    at = from + length + 2;
  }
  return parts.join('');
}

/** Chunks must arrive in order and without gaps; `index` of the n-th is n. */
function countInOrder(text) {
  let count = 0;
  for (const match of text.matchAll(new RegExp(job.verify, 'g'))) {
    if (Number(match[1]) !== count + (job.verifyFrom ?? 0))
      throw new Error(`chunk ${match[1]} came as number ${count}`);
    count += 1;
  }
  return count;
}

/** Waits until nothing more comes: the rest of a response whose end mark was seen. */
const settle = (socket) =>
  new Promise((resolve) => {
    let timer = setTimeout(resolve, job.settleMs ?? 2);
    socket.on('data', () => {
      clearTimeout(timer);
      timer = setTimeout(resolve, job.settleMs ?? 2);
    });
  });

const repeat = job.repeat ?? 1;
const request = job.websocket ? frameBytes(job.body) : postBytes(repeat > 1);
const firsts = [];
let last;
const socket = await openSocket();
for (let run = 0; run < repeat; run += 1) {
  last = await readUntil(socket, request);
  firsts.push(last.firstMs);
  if (repeat > 1) {
    socket.removeAllListeners('close');
    await settle(socket);
    socket.removeAllListeners('data');
  }
}
socket.destroy();
const payload = last.text === undefined ? undefined : payloadOf(last.text);
const answer = {
  ms: last.ms,
  bytes: last.bytes,
  firstMs: firsts,
  counted: payload === undefined ? undefined : countInOrder(payload),
  // Up to the end mark; one byte a character, since it was read as latin1.
  payloadBytes: payload?.indexOf(job.until),
};
process.stdout.write(JSON.stringify(answer));
