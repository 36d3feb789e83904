/**
 * A call as NDJSON: one envelope a line, `started` first and `complete` last.
 */

import type { TerminalEvent } from '../../call/call-events.ts';
import type { RunningCall } from '../../call/running-call.ts';
import type { GatewayRequest, GatewayResponse } from '../http/gateway-message.ts';
import { HttpStream, type HttpStreamContext } from '../http/response-stream.ts';
import {
  chunkEnvelope,
  endEnvelopes,
  progressEnvelope,
  restartedEnvelope,
  startedEnvelope,
} from '../rendering/call-envelopes.ts';
import type { ChunksEvent, EventSink, ProgressEvent, RestartedEvent } from '../rendering/event-pump.ts';

/** Space before the next line means nothing in JSON. */
const COMMENT = ' ';

export class NdjsonSink implements EventSink {
  readonly #call: RunningCall;
  readonly #stream: HttpStream;

  constructor(
    request: GatewayRequest,
    response: GatewayResponse,
    call: RunningCall,
    context: HttpStreamContext,
  ) {
    this.#call = call;
    this.#stream = new HttpStream(request, response, call, context, { beginLate: () => this.begin() });
  }

  started(): void {
    this.begin();
    this.#stream.write(`${startedEnvelope('', this.#call.request.name, this.#call.callId, 0)}\n`);
  }

  progress(event: ProgressEvent): void {
    this.#stream.write(`${progressEnvelope('', event, event.seq)}\n`);
  }

  restarted(event: RestartedEvent): void {
    this.#stream.write(`${restartedEnvelope('', event, event.seq)}\n`);
  }

  chunks({ index, items, seq = 0 }: ChunksEvent): void {
    let at = index;
    let number = seq;
    let text = '';
    for (const item of items) text += `${chunkEnvelope('', at++, item, number++)}\n`;
    this.#stream.write(text);
  }

  ended(end: TerminalEvent): void {
    if (end.type === 'error') {
      if (end.isMoved) this.begin();
      else if (this.#stream.refuse(end.error)) return;
    }
    const texts = endEnvelopes('', this.#call.callId, end, end.seq);
    if (texts.length > 0) this.#stream.write(`${texts.join('\n')}\n`);
    this.#stream.end();
  }

  ready(): Promise<void> | undefined {
    return this.#stream.ready();
  }

  /** Sends the head. */
  begin(): void {
    if (this.#stream.begin()) this.#stream.writeHead('application/x-ndjson', COMMENT);
  }
}
