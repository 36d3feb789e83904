/**
 * A call as NDJSON: one envelope a line, `started` first and `complete` last. The head is sent as for SSE.
 */
import type { RunningCall, TerminalEvent } from '../tool/runner.ts';
import { chunkEnvelope, endEnvelopes, progressEnvelope, startedEnvelope } from './call-envelopes.ts';
import type { ChunksEvent, EventSink, ProgressEvent } from './event-pump.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';
import { commonHeaders, respondProblem } from './http-response.ts';
import { HttpStream, type StreamContext } from './http-stream.ts';

export class NdjsonSink implements EventSink {
  readonly #request: GatewayRequest;
  readonly #response: GatewayResponse;
  readonly #call: RunningCall;
  readonly #stream: HttpStream;
  readonly #headTimer: NodeJS.Timeout;
  #hasStarted = false;

  constructor(
    request: GatewayRequest,
    response: GatewayResponse,
    call: RunningCall,
    context: StreamContext & { readonly headDelayMs: number },
  ) {
    this.#request = request;
    this.#response = response;
    this.#call = call;
    this.#stream = new HttpStream(request, response, call, context);
    this.#headTimer = setTimeout(() => this.#sendHead(), context.headDelayMs);
  }

  started(): void {
    this.#sendHead();
    this.#hasStarted = true;
    this.#stream.write(`${startedEnvelope('', this.#call.request.name, this.#call.callId)}\n`);
  }

  progress(event: ProgressEvent): void {
    this.#stream.write(`${progressEnvelope('', event)}\n`);
  }

  chunks({ index, items }: ChunksEvent): void {
    let at = index;
    let text = '';
    for (const item of items) text += `${chunkEnvelope('', at++, item)}\n`;
    this.#stream.write(text);
  }

  ended(end: TerminalEvent): void {
    clearTimeout(this.#headTimer);
    if (!this.#response.headersSent && end.type === 'error') {
      respondProblem(this.#request, this.#response, end.error, { callId: this.#call.callId });
      return;
    }
    if (!this.#hasStarted) this.started();
    this.#stream.write(`${endEnvelopes('', this.#call.callId, end).join('\n')}\n`);
    this.#stream.end();
  }

  ready(): Promise<void> | undefined {
    return this.#stream.ready();
  }

  #sendHead(): void {
    clearTimeout(this.#headTimer);
    const headers = commonHeaders(this.#request);
    headers.push('X-Call-Id', this.#call.callId, 'Vary', 'Accept');
    headers.push('Content-Type', 'application/x-ndjson', 'Cache-Control', 'no-store, no-transform');
    headers.push('X-Accel-Buffering', 'no');
    this.#stream.writeHead(headers);
  }
}
