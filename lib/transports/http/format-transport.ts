/** A transport that is one format of streamed answers: its media type, and what writes the events of a call in it. */
import type { RunningCall } from '../../call/running-call.ts';
import type { EventSink } from '../rendering/event-pump.ts';
import type { Transport, TransportContext } from '../transport.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import type { AnswerFormat } from './registration.ts';
import { HEAD_DELAY_MS, type HttpStreamContext, sendEvents } from './response-stream.ts';

type SinkClass = new (
  request: GatewayRequest,
  response: GatewayResponse,
  call: RunningCall,
  context: HttpStreamContext,
) => EventSink & { begin(): void };

export class FormatTransport implements Transport {
  readonly name: string;
  readonly #format: Pick<AnswerFormat, 'mediaType' | 'label' | 'preference'>;
  readonly #Sink: SinkClass;
  readonly #headDelayMs: number;

  /** @param headDelayMs how long a stream waits for its tool to start before it sends its head. */
  constructor(
    name: string,
    format: Pick<AnswerFormat, 'mediaType' | 'label' | 'preference'>,
    Sink: SinkClass,
    headDelayMs = HEAD_DELAY_MS,
  ) {
    this.name = name;
    this.#format = format;
    this.#Sink = Sink;
    this.#headDelayMs = headDelayMs;
  }

  open({ watch, meter, log, http }: TransportContext): void {
    const context = { watch, meter, log, headDelayMs: this.#headDelayMs };
    const Sink = this.#Sink;
    http.format({
      ...this.#format,
      transport: this.name,
      streams: true,
      serve(request, response, call) {
        const sink = new Sink(request, response, call, context);
        if (call.reading?.after !== undefined) sink.begin(); // its client has a stream already, and goes on with it
        sendEvents(call, sink, response, log);
      },
    });
  }

  close(): void {} // its streams end with their calls
}
