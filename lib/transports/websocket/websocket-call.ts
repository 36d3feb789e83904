/**
 * One call's events on its socket: the envelopes with its id, and what the channel is told when it ends.
 */

import type { TerminalEvent } from '../../call/call-events.ts';
import type { RunningCall } from '../../call/running-call.ts';
import {
  askEnvelope,
  chunkEnvelope,
  endEnvelopes,
  idField,
  progressEnvelope,
  startedEnvelope,
} from '../rendering/call-envelopes.ts';
import type { AskEvent, ChunksEvent, EventSink, ProgressEvent } from '../rendering/event-pump.ts';
import type { ClientId } from './websocket-message.ts';

/** The socket as its calls see it. */
export interface FrameOutlet {
  send(text: string): void;
  /** Sends each text as a frame of its own. */
  sendAll(texts: readonly string[]): void;
  ready(): Promise<void> | undefined;
}

export class WebSocketCallSink implements EventSink {
  readonly #outlet: FrameOutlet;
  readonly #idField: string;
  readonly #call: RunningCall;
  readonly #onEnd: () => void;

  constructor(outlet: FrameOutlet, id: ClientId, call: RunningCall, onEnd: () => void) {
    this.#outlet = outlet;
    this.#idField = idField(id);
    this.#call = call;
    this.#onEnd = onEnd;
  }

  started(): void {
    this.#outlet.send(startedEnvelope(this.#idField, this.#call.request.name, this.#call.callId));
  }

  progress(event: ProgressEvent): void {
    this.#outlet.send(progressEnvelope(this.#idField, event));
  }

  chunks({ index, items }: ChunksEvent): void {
    this.#outlet.sendAll(items.map((item, at) => chunkEnvelope(this.#idField, index + at, item)));
  }

  ask(event: AskEvent): void {
    this.#outlet.send(askEnvelope(this.#idField, event));
  }

  ended(end: TerminalEvent): void {
    this.#onEnd();
    for (const text of endEnvelopes(this.#idField, this.#call.callId, end)) this.#outlet.send(text);
  }

  ready(): Promise<void> | undefined {
    return this.#outlet.ready();
  }
}
