/**
 * Writes the text frames of one WebSocket: batched per turn of the loop, and with a measure of how far its reader is
 * behind.
 *
 * W1. All calls of a socket wait together and go on together, so that a slow reader stops every call and none
 *     starves another.
 * W2. Once the client has said that it leaves, nothing counts as read: what follows is for whoever comes back.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { DrainGate } from '../../async/drain-gate.ts';
import { asciiTextFrames } from './text-frames.ts';

const MAX_BUFFERED_BYTES = 256 * 1024;

export class FrameWriter {
  readonly #ws: WebSocket;
  readonly #socket: Socket;
  readonly #gate = new DrainGate();
  #isCorked = false;

  /** @param onDrain called whenever the reader has caught up. */
  constructor(ws: WebSocket, socket: Socket, onDrain: () => void) {
    this.#ws = ws;
    this.#socket = socket;
    socket.on('drain', () => {
      onDrain();
      this.release();
    });
  }

  /** True while the reader is behind. */
  get isBehind(): boolean {
    return this.#ws.bufferedAmount > MAX_BUFFERED_BYTES && !this.#socket.destroyed;
  }

  /** Sends a text frame; what is sent in one turn of the loop leaves in one write. */
  send(text: string): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      this.#socket.cork();
      process.nextTick(this.#uncork);
    }
    this.#ws.send(text);
  }

  /** Sends a text frame each, in one write where that is possible. */
  sendAll(texts: readonly string[]): void {
    if (this.#ws.readyState !== this.#ws.OPEN) return;
    const frames = asciiTextFrames(texts);
    if (frames !== null) this.#socket.write(frames, 'latin1');
    else for (const text of texts) this.send(text);
  }

  /** A promise while the reader is behind; it resolves when it caught up, left or is being dropped. */
  ready(): Promise<void> | undefined {
    const { readyState, OPEN, CLOSING } = this.#ws;
    const isWaiting = readyState === CLOSING || (readyState === OPEN && this.isBehind); // W2
    return isWaiting ? this.#gate.opened() : undefined;
  }

  /** Lets go on whoever waits. */
  release(): void {
    this.#gate.open();
  }

  readonly #uncork = (): void => {
    this.#isCorked = false;
    this.#socket.uncork();
  };
}
