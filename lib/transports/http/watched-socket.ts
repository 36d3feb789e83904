/**
 * One client's WebSocket, whatever is spoken on it: how far its reader is behind, the answers that wait for it, and its
 * end. What runs on it is its subclass's.
 *
 * W1. A socket that closes, for whatever reason, leaves what ran on it, once, and is not watched any longer.
 * W2. A reader that takes nothing is dropped: after the stall time, or at once where it lets answers pile up that no
 *     call's back-pressure holds back.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { CancelReason } from '../../call/running-call.ts';
import type { WatchedStream } from '../rendering/stream-watch.ts';
import type { TransportMeter } from '../rendering/transport-meter.ts';
import { FrameWriter } from './frame-writer.ts';
import type { StreamContext } from './response-stream.ts';
import { type SocketChannel, STALLED_CLOSE_MS } from './socket-server.ts';

/** How long a client may take to answer our close, in milliseconds. */
const CLOSE_MS = 2000;
/** Answers that may wait for a reader that takes nothing. */
const MAX_REPLIES_BEHIND = 1000;
/** Of a reason, in bytes: ws throws at more than 123, the room of a control frame (RFC 6455, 5.5). */
const MAX_REASON_BYTES = 120;

export abstract class WatchedSocket implements WatchedStream, SocketChannel {
  readonly socket: Socket;
  readonly meter: TransportMeter;
  readonly keyId: string;
  missedPongs = 0;
  protected readonly writer: FrameWriter;
  readonly #ws: WebSocket;
  readonly #log: StreamContext['log'];
  #repliesBehind = 0;
  #closing: NodeJS.Timeout | undefined;

  /** @param keyId of the handshake. */
  constructor(ws: WebSocket, socket: Socket, keyId: string, { meter, watch, log }: StreamContext) {
    this.#ws = ws;
    this.socket = socket;
    this.keyId = keyId;
    this.meter = meter;
    this.#log = log;
    this.writer = new FrameWriter(ws, socket, () => {
      this.#repliesBehind = 0;
    });
    meter.connections++;
    watch.add(this);
    ws.on('error', () => {}); // a protocol error of the client; ws closes with the right code, 'close' follows
    ws.on('pong', () => {
      this.missedPongs = 0;
    });
    ws.on('message', (data: Buffer, isBinary: boolean) => {
      this.missedPongs = 0;
      this.receive(data, isBinary);
    });
    ws.once('close', () => {
      clearTimeout(this.#closing);
      meter.connections--;
      watch.remove(this);
      this.leaveAll('cancelled', 'the client left');
      this.writer.release();
    });
  }

  abstract isIdle(): boolean;
  /** A message of the client; throws nothing. */
  protected abstract receive(data: Buffer, isBinary: boolean): void;
  /** Ends, or leaves to another reader, all that runs on the socket. */
  protected abstract leaveAll(reason: CancelReason, message: string): void;
  /** Members of the log line about a reader that stood still. */
  protected readonly logged: Readonly<Record<string, unknown>> = {};

  end(): void {
    this.close(1013, 'room is needed; connect again in a moment');
  }

  /** False from the beginning of the closing handshake on. */
  get isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN;
  }

  /** True while the client is behind with reading. */
  get isBehind(): boolean {
    return this.writer.isBehind;
  }

  /**
   * Begins the closing handshake.
   * @param reason cut off where it is too long for its frame.
   * @param patienceMs how long the client may take to answer before its socket is destroyed.
   */
  close(code: number, reason: string, patienceMs = CLOSE_MS): void {
    this.#ws.close(code, Buffer.from(reason).subarray(0, MAX_REASON_BYTES).toString());
    clearTimeout(this.#closing);
    this.#closing = setTimeout(() => this.#ws.terminate(), patienceMs);
  }

  ping(): void {
    if (this.isOpen) this.#ws.ping();
  }

  terminate(): void {
    this.#ws.terminate();
  }

  stall(): void {
    this.#log('warning', 'a reader made no progress; its socket was closed', this.logged);
    this.leaveAll('slow_consumer', 'the reader made no progress for too long');
    // The frame queues behind what the reader did not take: one that goes on in time learns why it was dropped.
    this.close(1008, 'slow consumer', STALLED_CLOSE_MS);
    this.writer.release();
  }

  /** Sends what no call's back-pressure holds back, to clients that read it (W2). */
  protected reply(text: string): void {
    if (!this.writer.isBehind || ++this.#repliesBehind <= MAX_REPLIES_BEHIND) this.writer.send(text);
    else if (this.isOpen) {
      this.meter.slowConsumers++;
      this.stall();
    }
  }
}
