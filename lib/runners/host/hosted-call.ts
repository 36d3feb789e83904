/**
 * A call that a host runs for its gateway: reads its events, and sends them as frames.
 *
 * H1. It reads no further than the gateway's credit reaches; what waits then holds the tool, as any slow reader does.
 * H2. The last frame goes when the call has ended and no thread has it any more, so that what the gateway gives next
 *     finds the place free. A cancelled call has ended long before, for whoever reads it.
 */
import { DrainGate } from '../../async/drain-gate.ts';
import {
  chunkCount,
  chunkLines,
  chunkSize,
  type TerminalEvent,
  type ToolEvent,
} from '../../call/call-events.ts';
import type { CancelReason } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import { CREDIT_WINDOW, type Credit } from '../threads/port/frames.ts';
import type { ToolCall } from '../threads/tool-call.ts';
import type { HostReport } from './link-frames.ts';

export interface HostedCallListener {
  send(report: HostReport): void;
  /** After the last frame. */
  ended(): void;
}

export class HostedCall {
  readonly #number: number;
  readonly #call: ToolCall;
  readonly #listener: HostedCallListener;
  readonly #gate = new DrainGate();
  #items = 0;
  #bytes = 0;
  #isCancelled = false;

  /** @param number what the gateway calls it by. */
  constructor(number: number, call: ToolCall, listener: HostedCallListener) {
    this.#number = number;
    this.#call = call;
    this.#listener = listener;
  }

  /** Sends all of it; never rejects. */
  async run(): Promise<void> {
    for (;;) {
      const { value: event } = await this.#call.next();
      if (event === undefined) return;
      if (event.type === 'result' || event.type === 'error') {
        this.#call.onRelease(() => this.#end(event));
        return;
      }
      if (!this.#isCancelled) this.#pass(event);
      while (this.#isSpent) await this.#gate.opened();
    }
  }

  get #isSpent(): boolean {
    if (this.#isCancelled) return false;
    return this.#items >= CREDIT_WINDOW.items || this.#bytes >= CREDIT_WINDOW.bytes;
  }

  answer(ask: number, outcome: Parameters<ToolCall['answer']>[1]): void {
    this.#call.answer(ask, outcome);
  }

  giveBack({ items, bytes }: Credit): void {
    this.#items -= items;
    this.#bytes -= bytes;
    this.#gate.open();
  }

  /** Ends it. For its caller it has ended already: nobody reads what it had to say, or gives credit any more. */
  cancel(reason: CancelReason): void {
    this.#isCancelled = true;
    this.#call.cancel(reason);
    this.#gate.open();
  }

  #pass(event: Exclude<ToolEvent, TerminalEvent>): void {
    const call = this.#number;
    switch (event.type) {
      case 'started':
        return this.#listener.send({ type: 'started', call });
      case 'chunks': {
        const { index } = event;
        const count = chunkCount(event);
        this.#bytes += chunkSize(event);
        this.#items += count;
        return this.#listener.send({ type: 'chunks', call, index, count, text: chunkLines(event) });
      }
      case 'progress':
      case 'ask':
        return this.#listener.send({ ...event, call });
      case 'log':
        return this.#listener.send({ ...event, call, isTold: true });
      case 'restarted': // no thread says so
        return;
      default:
        event satisfies never;
    }
  }

  #end(end: TerminalEvent): void {
    const call = this.#number;
    const ranMs = this.#call.ranMs;
    if (end.type === 'result') {
      const { type, data, repeats, shape, chunks, meta } = end;
      this.#listener.send({ type, call, data, repeats, shape, chunks, meta, ranMs });
    } else {
      const { type, error, chunks } = end;
      const didRun = this.#call.hasStarted;
      this.#listener.send({
        type,
        call,
        chunks,
        error: ToolError.toWire(error),
        ranMs: didRun ? ranMs : null,
      });
    }
    this.#listener.ended();
  }
}
