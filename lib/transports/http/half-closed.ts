/**
 * Clients that close their side of the connection while an answer is due: some still read (`printf … | nc -N`), some
 * are gone, and TCP says the same of both.
 *
 * H1. What tells them apart is a write: the system of a client that is gone answers it with a reset, which the write
 *     after it meets. So bytes that mean nothing are written: `100 Continue` before the head, a comment into a stream
 *     of events.
 * H2. Where nothing of the kind may be written (HTTP/1.0, a stream of another type under way) the client is taken to
 *     be gone after a moment, as most servers take all of them at once.
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { GatewayResponse } from './gateway-message.ts';

/** When a client is asked; the last is the pause between all further ones. In milliseconds. */
const PAUSES_MS = [0, 50, 200, 1000, 2000];
/** Where among them the wait for a client that cannot be asked is. */
const A_MOMENT = 2;

/** What Node keeps on a connection's socket: the answer whose turn it is. */
type HttpSocket = Socket & { readonly _httpMessage?: GatewayResponse | null };

/** Lets the clients of an HTTP server close their side and have their answers all the same. */
export function serveHalfClosed(server: EventEmitter): void {
  Object.assign(server, { httpAllowHalfOpen: true });
  server.on('connection', watch);
  server.on('secureConnection', watch);
}

function watch(socket: HttpSocket): void {
  socket.once('end', () => {
    const answer = socket._httpMessage;
    if (answer) askAfter(canAsk(answer) ? 0 : A_MOMENT, socket);
  });
}

function askAfter(pause: number, socket: HttpSocket): void {
  const timer = setTimeout(() => {
    const answer = socket._httpMessage;
    if (!answer || answer.writableEnded || socket.destroyed) return;
    if (!canAsk(answer)) return void socket.destroy();
    if (answer.headersSent) answer.write(answer.comment);
    else answer.writeContinue();
    askAfter(Math.min(pause + 1, PAUSES_MS.length - 1), socket);
  }, PAUSES_MS[pause]);
  timer.unref();
}

/** Whether bytes that mean nothing may be written (H2). */
const canAsk = (answer: GatewayResponse): boolean =>
  answer.headersSent ? answer.comment !== '' : answer.req.httpVersion !== '1.0';
