/**
 * `GET /stats/stream`: server-sent events, one `stats` a second. It makes no calls: it tells of them.
 *
 * W1. A reader that is behind misses seconds and no more: what it is told next is newer. One that takes nothing at all is
 *     dropped as the readers of calls are.
 * W2. Nothing is gathered while nobody watches.
 */
import type { Socket } from 'node:net';
import { onceClosed } from '../http/departure.ts';
import type { GatewayRequest, GatewayResponse } from '../http/gateway-message.ts';
import { commonHeaders } from '../http/response.ts';
import { EVENT_STREAM_TYPE } from '../http/response-stream.ts';
import type { StreamWatch, WatchedStream } from '../rendering/stream-watch.ts';
import type { TransportMeter } from '../rendering/transport-meter.ts';
import type { FiguresSource, Transport, TransportContext } from '../transport.ts';

export class StatsStreamTransport implements Transport {
  readonly name: string;
  readonly #readers = new Set<FiguresReader>();
  #source: Promise<FiguresSource> | undefined;
  #stopListening: (() => void) | undefined;

  constructor(name: string) {
    this.name = name;
  }

  open({ access, http, meter, watch, openFigures }: TransportContext): void {
    this.#stopListening = access.onRevoked((keyIds) => {
      for (const reader of this.#readers) if (keyIds.has(reader.keyId)) reader.end();
    });
    http.route({
      method: 'GET',
      path: '/stats/stream',
      description: 'streams the figures of /stats that move, every second (SSE)',
      showsAll: true,
      handle: async (request, response) => {
        response.writeHead(200, [
          ...commonHeaders(request),
          ...['Content-Type', EVENT_STREAM_TYPE, 'X-Accel-Buffering', 'no'],
          ...['Cache-Control', 'no-store, no-cache, no-transform'],
        ]);
        if (request.method === 'HEAD') return response.end();
        this.#source ??= openFigures();
        const source = await this.#source;
        if (!response.destroyed) this.#follow(new FiguresReader(request, response, meter), source, watch);
      },
    });
  }

  async close(): Promise<void> {
    this.#stopListening?.();
    for (const reader of this.#readers) reader.end();
    (await this.#source)?.close();
  }

  #follow(reader: FiguresReader, source: FiguresSource, watch: StreamWatch): void {
    this.#readers.add(reader);
    reader.meter.streams++;
    watch.add(reader);
    const leave = source.watch((text) => reader.tell(text));
    reader.onClosed(() => {
      leave();
      watch.remove(reader);
      reader.meter.streams--;
      this.#readers.delete(reader);
    });
  }
}

class FiguresReader implements WatchedStream {
  readonly socket: Socket;
  readonly meter: TransportMeter;
  readonly keyId: string;
  readonly #request: GatewayRequest;
  readonly #response: GatewayResponse;

  constructor(request: GatewayRequest, response: GatewayResponse, meter: TransportMeter) {
    this.socket = request.socket;
    this.keyId = request.keyId;
    this.meter = meter;
    this.#request = request;
    this.#response = response;
    response.on('error', () => {}); // a write that met a closing socket; 'close' follows
  }

  tell(text: string): void {
    if (this.#response.writableNeedDrain || this.#response.writableEnded) return; // W1
    this.#response.write(`event: stats\ndata: ${text}\n\n`);
  }

  onClosed(closed: () => void): void {
    onceClosed(this.#request, this.#response, closed);
  }

  end(): void {
    this.#response.end();
  }

  stall(): void {
    this.#response.destroy();
  }
}
