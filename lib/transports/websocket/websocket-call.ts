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
  restartedEnvelope,
  startedEnvelope,
} from '../rendering/call-envelopes.ts';
import type {
  AskEvent,
  ChunksEvent,
  EventSink,
  ProgressEvent,
  RestartedEvent,
} from '../rendering/event-pump.ts';
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
  /** Whether its messages have numbers: where somebody may come back for the rest, or did. */
  readonly #isNumbered: boolean;
  readonly #onEnd: (isAway: boolean) => void;

  /** @param onEnd told at the end, and whether the client is to come back for the rest. */
  constructor(outlet: FrameOutlet, id: ClientId, call: RunningCall, onEnd: (isAway: boolean) => void) {
    this.#outlet = outlet;
    this.#idField = idField(id);
    this.#call = call;
    this.#isNumbered = call.request.keep?.detachMs !== undefined || call.reading?.after !== undefined;
    this.#onEnd = onEnd;
  }

  started(): void {
    const { callId, request } = this.#call;
    this.#outlet.send(startedEnvelope(this.#idField, request.name, callId, this.#number(0)));
  }

  progress(event: ProgressEvent): void {
    this.#outlet.send(progressEnvelope(this.#idField, event, this.#number(event.seq)));
  }

  restarted(event: RestartedEvent): void {
    this.#outlet.send(restartedEnvelope(this.#idField, event, this.#number(event.seq)));
  }

  chunks({ index, items, seq = 0 }: ChunksEvent): void {
    const number = (at: number) => this.#number(seq + at);
    this.#outlet.sendAll(items.map((item, at) => chunkEnvelope(this.#idField, index + at, item, number(at))));
  }

  ask(event: AskEvent): void {
    this.#outlet.send(askEnvelope(this.#idField, event));
  }

  ended(end: TerminalEvent): void {
    this.#onEnd(end.type === 'error' && end.isAway === true);
    const texts = endEnvelopes(this.#idField, this.#call.callId, end, this.#number(end.seq));
    for (const text of texts) this.#outlet.send(text);
  }

  #number(seq: number | undefined): number | undefined {
    return this.#isNumbered ? seq : undefined;
  }

  ready(): Promise<void> | undefined {
    return this.#outlet.ready();
  }
}
