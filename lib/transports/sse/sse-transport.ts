/** Registers Server-Sent Events as a format of streamed answers, the first of them. */
import { HEAD_DELAY_MS, sendEvents } from '../http/response-stream.ts';
import type { Transport, TransportContext } from '../transport.ts';
import { SseSink } from './sse-sink.ts';

export class SseTransport implements Transport {
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
      mediaType: 'text/event-stream',
      label: 'SSE',
      preference: 1,
      streams: true,
      serve: (request, response, call) =>
        sendEvents(call, new SseSink(request, response, call, context), response, log),
    });
  }

  close(): void {} // its streams end with their calls
}
