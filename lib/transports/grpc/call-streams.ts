/**
 * The events of calls as messages: of one call that is an RPC of its own, and of each call of a session.
 *
 * T1. What does not fit into a message that the client takes ends the call, with words that say how large it is.
 */
import type { TerminalEvent } from '../../call/call-events.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AskEvent, ChunksEvent, EventSink, LogEvent, ProgressEvent } from '../rendering/event-pump.ts';
import {
  askEvent,
  type ChunkWishes,
  chunksEvents,
  logEvent,
  progressEvent,
  resultEvent,
  startedEvent,
  tooLarge,
} from './messages.ts';

/** Where the events of a call go. */
export interface EventOutlet {
  /** @param event a CallEvent. */
  send(event: Buffer): void;
  ready(): Promise<void> | undefined;
  /** Called when a question was sent. Absent: there are none. */
  asked?(ask: number): void;
  /** Called last, once. @param error undefined: the call has succeeded, and its result was sent. */
  ended(error: ToolError | undefined, seq: number | undefined): void;
}

export class CallEventSink implements EventSink {
  readonly #call: RunningCall;
  readonly #outlet: EventOutlet;
  readonly #wishes: ChunkWishes;
  /** Set when something did not fit: nothing more is told of the call. */
  #overflow: ToolError | undefined;

  constructor(call: RunningCall, outlet: EventOutlet, wishes: ChunkWishes) {
    this.#call = call;
    this.#outlet = outlet;
    this.#wishes = wishes;
  }

  started(): void {
    this.#outlet.send(startedEvent(this.#call));
  }

  progress(event: ProgressEvent): void {
    if (!this.#overflow) this.#outlet.send(progressEvent(event));
  }

  chunks(event: ChunksEvent): void {
    if (this.#overflow) return;
    try {
      for (const message of chunksEvents(event, this.#wishes)) this.#outlet.send(message);
    } catch (thrown) {
      this.#overflow = ToolError.from(thrown, 'internal', 'the chunks could not be written');
      this.#call.cancel('cancelled', this.#overflow.message);
    }
  }

  log(event: LogEvent): void {
    if (!this.#overflow) this.#outlet.send(logEvent(event));
  }

  ask(event: AskEvent): void {
    if (this.#overflow) return;
    this.#outlet.send(askEvent(event));
    this.#outlet.asked?.(event.ask);
  }

  ended(end: TerminalEvent): void {
    if (this.#overflow) return this.#outlet.ended(this.#overflow, end.seq);
    if (end.type === 'error') return this.#outlet.ended(end.error, end.seq);
    const message = resultEvent(end);
    const { maxMessageBytes } = this.#wishes;
    if (message.length > maxMessageBytes)
      return this.#outlet.ended(tooLarge('the result', message.length, maxMessageBytes), end.seq);
    this.#outlet.send(message);
    this.#outlet.ended(undefined, end.seq);
  }

  ready(): Promise<void> | undefined {
    return this.#outlet.ready();
  }
}
