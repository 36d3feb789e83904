/**
 * One HTTP/2 connection: its session, and who is on it.
 *
 * N1. A client that does not answer two pings is gone, and so is one that closes its side of the connection.
 * N2. A client that resets many streams is told to go. nghttp2 has such a limit too, a little higher, and Node (20.20, 22)
 *     tells nobody when it is reached: the session stays open, and reads nothing any more.
 */
import { performServerHandshake, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { UpgradedConnection } from '../http/connection-table.ts';

/** RPCs at once on one connection; clients wait with the next, and what comes all the same is refused by HTTP/2. */
const MAX_STREAMS = 100;
const MAX_HEADER_BYTES = 16 * 1024;
/** How long a client may take to go when it was told to. */
const CLOSE_MS = 2000;
/** Streams that a client may reset at once, and each second; nghttp2 has 1000 and 33. */
const RESETS = 900;
const RESETS_PER_SECOND = 30;

const OPTIONS = {
  settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_BYTES, enablePush: false },
};

export class GrpcConnection implements UpgradedConnection {
  readonly session: ServerHttp2Session;
  readonly socket: Socket;
  /** Of the newest RPC. */
  keyId = '';
  /** RPCs under way. */
  open = 0;
  #unanswered = 0;
  #resets = 0;
  #resetAt = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    this.session = performServerHandshake(socket, OPTIONS);
    this.session.on('error', () => {}); // what is no HTTP/2 ends the connection; 'close' follows
    socket.on('error', () => socket.destroy());
    socket.once('end', () => socket.destroy());
  }

  isIdle(): boolean {
    return this.open === 0;
  }

  /** Takes no more RPCs, lets those that run end for a moment, and closes. */
  end(): void {
    if (this.session.destroyed) return;
    this.session.close();
    setTimeout(() => this.session.destroy(), CLOSE_MS).unref();
  }

  /** Told of each stream that its client has reset (N2). */
  noteReset(): void {
    const now = performance.now();
    this.#resets = Math.max(0, this.#resets - ((now - this.#resetAt) / 1000) * RESETS_PER_SECOND) + 1;
    this.#resetAt = now;
    if (this.#resets > RESETS && !this.session.closed) this.end();
  }

  ping(): void {
    if (this.session.destroyed || this.session.closed) return;
    if (this.#unanswered >= 2) return this.session.destroy();
    this.#unanswered++;
    this.session.ping((error) => {
      if (!error) this.#unanswered = 0;
    });
  }
}
