/**
 * HTTP+SSE, the transport of 2024-11-05: one stream for all that the server says, and an address, told on it, for what is
 * said to the server.
 *
 * L1. The address has to be of the same origin: headers with keys go there.
 */
import type { IncomingMessage } from 'node:http';
import type { HttpSource } from '../file/server-entry.ts';
import type { Outgoing, RequestId, Wire, WireListener } from '../protocol/wire.ts';
import { EventReader } from './event-reader.ts';
import { HttpClient } from './exchange.ts';

export class LegacyEvents implements Wire {
  readonly #source: HttpSource;
  readonly #listener: WireListener;
  readonly #client = new HttpClient();
  readonly #holders = new Set<RequestId>();
  readonly processes: readonly number[] = [];
  readonly isBehind = false;
  readonly isSessionless = undefined;
  /** What waits for the address. */
  #waiting: Outgoing[] | null = [];
  #address = '';
  #stream: IncomingMessage | null = null;
  #breakOff: () => void;
  #isClosed = false;

  constructor(source: HttpSource, maxBytes: number, listener: WireListener) {
    this.#source = source;
    this.#listener = listener;
    const reader = new EventReader(maxBytes, {
      event: ({ type, data }) => {
        if (type === 'endpoint') this.#onAddress(data);
        else if (!this.#isClosed) listener.received(data, undefined);
      },
      tooLong: (ends) => listener.tooLong(ends, undefined),
      id: () => undefined,
      retry: () => undefined,
    });
    this.#breakOff = this.#client.send({
      method: 'GET',
      url: source.url,
      headers: { ...source.headers, Accept: 'text/event-stream' },
      response: (response) => {
        if (response.statusCode !== 200) {
          response.resume();
          return this.#end(`answered with HTTP ${response.statusCode}`);
        }
        this.#stream = response;
        response.on('data', (part: Buffer) => reader.push(part));
        response.on('error', () => undefined);
        response.once('close', () => this.#end('closed its stream'));
      },
      failed: (reason) => this.#end(reason),
    });
  }

  #onAddress(given: string): void {
    const address = URL.canParse(given, this.#source.url) ? new URL(given, this.#source.url) : null;
    if (address?.origin !== new URL(this.#source.url).origin)
      return this.#end('gives an address of another origin to send to');
    this.#address = address.href;
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const message of waiting) this.send(message);
  }

  send(message: Outgoing): void {
    if (this.#isClosed) return;
    if (this.#waiting) {
      this.#waiting.push(message);
      return;
    }
    const { id, text } = message;
    this.#client.send({
      method: 'POST',
      url: this.#address,
      headers: this.#source.headers,
      body: text,
      response: (response) => {
        response.resume();
        const { statusCode = 0 } = response;
        if (statusCode >= 400 && id !== undefined)
          this.#listener.lost(id, `answered with HTTP ${statusCode}`);
      },
      failed: (reason) => {
        if (id !== undefined && !this.#isClosed) this.#listener.lost(id, reason);
      },
    });
  }

  hold(isHeld: boolean, id: RequestId): void {
    if (isHeld) {
      this.#holders.add(id);
      this.#stream?.pause();
    } else if (this.#holders.delete(id) && this.#holders.size === 0) this.#stream?.resume();
  }

  forget(id: RequestId): void {
    this.hold(false, id);
  }

  agreed(): void {}

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.closed(reason);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#breakOff();
    this.#stream?.destroy();
    this.#client.close();
  }
}
