/**
 * Clients that close their side of the connection while an answer is due: some still read (`printf … | nc -N`), some
 * are gone, and TCP says the same of both.
 *
 * H1. What tells them apart is a write: the system of a client that is gone answers it with a reset, which the write
 *     after it meets. So bytes are written that change nothing: before the head one more of those that every head
 *     begins with, and the head goes on from there; into a stream what means nothing in its format.
 * H2. Each pause is longer than the one before: the bytes that heads share are few, and last for a minute.
 */
import type { EventEmitter } from 'node:events';
import type { GatewayResponse, HttpSocket } from './gateway-message.ts';

/** When a client is asked, in milliseconds from the time before; the last is the pause between all further ones. */
const PAUSES_MS = [0, 50, 200, 1000, 2000, 4000, 8000, 16_000, 30_000];
const FIRST_BYTES = 'HTTP/1.1 ';

/** Lets the clients of an HTTP server close their side and have their answers all the same. */
export function serveHalfClosed(server: EventEmitter): void {
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('connection', watch);
  server.on('secureConnection', watch);
}

function watch(socket: HttpSocket): void {
  socket.once('end', () => askAfter(0, socket));
}

function askAfter(pause: number, socket: HttpSocket): void {
  const timer = setTimeout(() => {
    const answer = socket._httpMessage;
    if (!answer || socket.destroyed) return; // nothing is due any more
    if (answer.writableLength === 0 && !answer.writableEnded) ask(answer, socket);
    askAfter(Math.min(pause + 1, PAUSES_MS.length - 1), socket);
  }, PAUSES_MS[pause]);
  timer.unref();
}

function ask(answer: GatewayResponse, socket: HttpSocket): void {
  if (!answer.headersSent) beginHead(answer, socket);
  else if (answer.comment !== '') answer.write(answer.comment);
}

/** How many bytes of its head an answer has sent ahead. */
const sentAhead = new WeakMap<GatewayResponse, number>();

function beginHead(answer: GatewayResponse, socket: HttpSocket): void {
  const sent = sentAhead.get(answer) ?? 0;
  if (sent === 0) leaveOut(answer);
  if (sent === FIRST_BYTES.length) return;
  sentAhead.set(answer, sent + 1);
  socket.write(FIRST_BYTES.charAt(sent));
}

/** Lets the head of an answer, once it is written, begin where it has been sent to; and nothing else go before it. */
function leaveOut(answer: GatewayResponse): void {
  const { writeHead } = answer;
  const own = answer as GatewayResponse & { _header: string };
  own.writeContinue = () => {};
  own.writeHead = (...head: unknown[]) => {
    Reflect.apply(writeHead, answer, head);
    own._header = own._header.slice(sentAhead.get(answer));
    return own;
  };
}
