/**
 * One HTTP/2 connection: its session, and who is on it.
 *
 * N1. A client that does not answer two pings is gone, and so is one that closes its side of the connection.
 */
import { performServerHandshake, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { UpgradedConnection } from '../http/connection-table.ts';

/** RPCs at once on one connection; clients wait with the next, and what comes all the same is refused by HTTP/2. */
const MAX_STREAMS = 100;
const MAX_HEADER_BYTES = 16 * 1024;
/** How long a client may take to go when it was told to. */
const CLOSE_MS = 2000;

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

  ping(): void {
    if (this.session.destroyed || this.session.closed) return;
    if (this.#unanswered >= 2) return this.session.destroy();
    this.#unanswered++;
    this.session.ping((error) => {
      if (!error) this.#unanswered = 0;
    });
  }
}
