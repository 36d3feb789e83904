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

export interface PrintOptions {
  readonly output: Writable;
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Runs each write, so that what is drawn on the same terminal can make room. */
  readonly around?: (write: () => void) => void;
}

/** Prints a call to its end, and gives the end. */
export async function printCall(call: RunningCall, options: PrintOptions): Promise<TerminalEvent> {
  const ended = new Promise<TerminalEvent>((resolve) => call.onEnd(resolve));
  await pumpEvents(call, new LineSink(call, options));
  return ended;
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
