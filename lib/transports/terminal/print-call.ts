/**
 * A call on the command line: chunks, error and end as NDJSON on a stream, progress to whoever draws it.
 *
 * D1. A reader that is slow makes the tool wait; one that leaves (`… | head`) cancels the call.
 * D2. The stream is the caller's: once it has taken all of a call, nothing of the call listens to it.
 */
import type { Writable } from 'node:stream';
import { DrainGate } from '../../async/drain-gate.ts';
import type { TerminalEvent } from '../../call/call-events.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { chunkEnvelope, endEnvelopes } from '../rendering/call-envelopes.ts';
import { type ChunksEvent, type EventSink, type ProgressEvent, pumpEvents } from '../rendering/event-pump.ts';
import type { PrintContext, PrintOptions, Transport } from '../transport.ts';

export class CallPrinter implements Transport<PrintContext> {
  readonly name: string;
  closed: Promise<void> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  open(context: PrintContext): void {
    this.closed = pumpEvents(context.call, new LineSink(context.call, context));
  }

  close(): void {} // the stream is the caller's, and what was begun is printed to its end
}

class LineSink implements EventSink {
  readonly #call: RunningCall;
  readonly #output: Writable;
  readonly #onProgress: PrintOptions['onProgress'];
  readonly #around: (write: () => void) => void;
  readonly #gate = new DrainGate();
  #isWritable = true;

  constructor(call: RunningCall, { output, onProgress, around }: PrintOptions) {
    this.#call = call;
    this.#output = output;
    this.#onProgress = onProgress;
    this.#around = around ?? ((write) => write());
    output.on('drain', this.#onDrain);
    output.on('error', this.#onError);
  }

  readonly #onDrain = (): void => this.#gate.open();

  readonly #onError = (): void => {
    this.#isWritable = false;
    this.#gate.open();
    this.#call.cancel('cancelled', 'the reader of the output left');
  };

  started(): void {}

  progress(event: ProgressEvent): void {
    this.#onProgress?.(event);
  }

  chunks({ index, items }: ChunksEvent): void {
    this.#write(items.map((item, at) => chunkEnvelope('', index + at, item)));
  }

  ended(end: TerminalEvent): void {
    this.#write(endEnvelopes('', this.#call.callId, end), (error) => {
      // A stream that failed tells so only after this, and whoever does not listen is ended by it.
      if (error) return;
      this.#output.off('drain', this.#onDrain);
      this.#output.off('error', this.#onError);
    });
  }

  ready(): Promise<void> | undefined {
    return this.#isWritable && this.#output.writableNeedDrain ? this.#gate.opened() : undefined;
  }

  #write(lines: readonly string[], onTaken?: (error?: Error | null) => void): void {
    if (this.#isWritable) this.#around(() => this.#output.write(`${lines.join('\n')}\n`, onTaken));
  }
}
