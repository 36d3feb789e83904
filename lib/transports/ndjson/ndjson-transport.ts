/** Registers NDJSON as a format of streamed answers. */
import { HEAD_DELAY_MS, sendEvents } from '../http/response-stream.ts';
import type { Transport, TransportContext } from '../transport.ts';
import { NdjsonSink } from './ndjson-sink.ts';

export class NdjsonTransport implements Transport {
  readonly name: string;
  readonly #headDelayMs: number;

  /** @param headDelayMs how long a stream waits for its tool to start before it sends its head. */
  constructor(name: string, headDelayMs = HEAD_DELAY_MS) {
    this.name = name;
    this.#headDelayMs = headDelayMs;
  }

  open({ watch, meter, log, http }: TransportContext): void {
    const context = { watch, meter, log, headDelayMs: this.#headDelayMs };
    http.format({
      transport: this.name,
      mediaType: 'application/x-ndjson',
      label: 'NDJSON',
      preference: 2,
      streams: true,
      serve: (request, response, call) =>
        sendEvents(call, new NdjsonSink(request, response, call, context), response, log),
    });
  }

  close(): void {} // its streams end with their calls
}
