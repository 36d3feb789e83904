/**
 * HTTP/2 on the socket of an HTTP/1.1 server: clients that begin with its preface, or chose it by ALPN, are handed to
 * whoever speaks it, all others to the server as before.
 *
 * S1. A client that says nothing is handed to HTTP after a while, which answers it as always.
 * S2. By ALPN, HTTP/1.1 is preferred: browsers and curl offer both, clients that need HTTP/2 offer it alone.
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Of "PRI * HTTP/2.0" (RFC 9113, 3.4), what no method of HTTP/1.1 begins with. */
const PREFACE = 'PRI';
/** How long a client may be silent before it is taken for one of HTTP/1.1, in milliseconds. */
const SILENT_MS = 10_000;

export const SHARED_ALPN = ['http/1.1', 'h2'];

/** @param isSecure whether the server speaks TLS. @param accept takes over the connections of HTTP/2. */
export function shareWithHttp2(
  server: EventEmitter,
  isSecure: boolean,
  accept: (socket: Socket) => void,
): void {
  const event = isSecure ? 'secureConnection' : 'connection';
  const [http1, ...watchers] = server.listeners(event) as ((socket: Socket) => void)[];
  if (!http1) throw new Error(`the server does not listen to ${event}`);
  // Node's own is the first; those that only watch see every connection, in their order.
  server.removeAllListeners(event);
  for (const watcher of watchers) server.on(event, watcher);
  const serveHttp1 = (socket: Socket): void => Reflect.apply(http1, server, [socket]);
  server.on(event, (socket: Socket) => {
    if (isSecure) return (socket as TLSSocket).alpnProtocol === 'h2' ? accept(socket) : serveHttp1(socket);
    peek(socket, (isHttp2) => (isHttp2 ? accept(socket) : serveHttp1(socket)));
  });
}

/** Tells whether a client begins with the preface of HTTP/2; what it has sent can be read again. */
function peek(socket: Socket, tell: (isHttp2: boolean) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const decide = (isHttp2: boolean) => {
    clearTimeout(timer);
    socket.off('data', onData).off('end', onEnd).off('error', onError);
    socket.pause();
    if (seen.length > 0) socket.unshift(seen);
    tell(isHttp2);
    if (!isHttp2) socket.resume(); // HTTP/2 reads what is there by itself
  };
  const onData = (bytes: Buffer) => {
    seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
    const start = seen.toString('latin1', 0, PREFACE.length);
    if (start === PREFACE) decide(true);
    else if (!PREFACE.startsWith(start)) decide(false);
  };
  const onEnd = () => socket.destroy(); // it has sent two bytes at most
  const onError = () => socket.destroy();
  const timer = setTimeout(() => decide(false), SILENT_MS).unref();
  socket.once('close', () => clearTimeout(timer));
  socket.on('data', onData).on('end', onEnd).on('error', onError);
}
