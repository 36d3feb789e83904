/**
 * One run of a call on a host: its tool's events go to the call's stream.
 *
 * N1. It reads no further than the reader of the call is behind; what waits then holds the tool at its `yield`.
 * N2. It is over when the call has ended and no thread has it any more, so that its place in the queue is free then.
 * N3. A run that is no longer the call's stops its tool, and tells nobody.
 */
import type { CancelReason, RunningCall } from '../../call/running-call.ts';
import { ToolError, type WireError } from '../../call/tool-error.ts';
import { StreamWriter, type WriterOptions } from './stream-writer.ts';

/** What a reader may be behind. */
const WINDOW_BYTES = 1024 * 1024;
/** Ends and questions pass; what must wait is looked at again after so long, should a message be lost. */
const CREDIT_LOOK_MS = 1000;

export interface RunOptions extends Omit<WriterOptions, 'lost'> {
  readonly call: RunningCall;
  /** How long it goes on when its gateway is gone, in milliseconds. */
  readonly aloneMs: number;
  /** Its run was taken over elsewhere. */
  fenced(): void;
}

export class HostedRun {
  readonly callId: string;
  readonly epoch: number;
  readonly #call: RunningCall;
  readonly writer: StreamWriter;
  /** Redis has lost of it what cannot be written again: whether it runs anew is for the fleet to say. */
  isForgotten = false;
  readonly #redis: WriterOptions['redis'];
  readonly #nodeId: string;
  /** When its gateway was last seen alive, by `performance.now()`. */
  gatewaySeenAt = performance.now();
  readonly aloneMs: number;
  readonly startedAt = performance.now();
  #released: Promise<void>;
  /** Questions without an answer. */
  readonly #asks = new Set<number>();
  #isStopped = false;

  constructor({ call, aloneMs, fenced, ...options }: RunOptions) {
    this.aloneMs = aloneMs;
    this.callId = options.callId;
    this.epoch = options.epoch;
    this.#call = call;
    this.#redis = options.redis;
    this.#nodeId = options.nodeId;
    this.writer = new StreamWriter({
      ...options,
      lost: (why) => {
        if (why === 'superseded') fenced();
        this.isForgotten = why === 'forgotten';
        this.stop('cancelled');
      },
    });
    this.#released = new Promise((resolve) => {
      if (call.onRelease) call.onRelease(resolve);
      else call.onEnd(() => resolve());
    });
  }

  /** Settles when nothing of it runs any more; never rejects. */
  async run(): Promise<void> {
    for await (const event of this.#call) {
      if (event.type === 'ask') this.#asks.add(event.ask);
      this.writer.write(event);
      while (this.writer.outstanding >= WINDOW_BYTES && !this.writer.isLost) await this.#room();
    }
    await this.#released;
    while (this.writer.unwritten > 0 && !this.writer.isLost) await this.writer.changed();
  }

  async #room(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const look = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CREDIT_LOOK_MS);
    });
    const isRead = await Promise.race([this.writer.changed().then(() => true), look.then(() => false)]);
    clearTimeout(timer);
    if (!isRead) await this.look();
  }

  /** Says that it runs, and looks at what messages may have failed to tell. @returns the gateway of its reader; null where it is not this run's. */
  async look(): Promise<string | null> {
    const { commands, keys } = this.#redis;
    try {
      const asks = [...this.#asks];
      const fields = asks.map((ask) => `a${this.epoch}.${ask}`);
      const reply = await commands.fleetBeat(keys.call(this.callId), this.#nodeId, this.epoch, ...fields);
      const [st, ep, ack, gateway, ...answers] = reply as readonly (string | null)[];
      if (st === 'q' && ep === String(this.epoch - 1)) {
        this.writer.unbegun();
        return gateway ?? null;
      }
      if (st !== 'r' || ep !== String(this.epoch)) {
        this.stop('cancelled');
        return null;
      }
      this.credit(Number(ack));
      for (const [at, answer] of answers.entries()) if (answer) this.answer(asks[at] ?? -1, answer);
      return gateway ?? null;
    } catch {
      return null;
    }
  }

  credit(bytes: number): void {
    this.writer.acknowledged(bytes);
  }

  /** @param payload JSON of a value or an error. */
  answer(ask: number, payload: string): void {
    if (!this.#asks.delete(ask)) return;
    const reply = JSON.parse(payload) as { readonly value?: unknown; readonly error?: WireError };
    this.#call.answer(ask, reply.error ? { error: ToolError.fromWire(reply.error) } : { value: reply.value });
  }

  /** Stops its tool; the call has ended, or is somebody else's. */
  stop(reason: CancelReason): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.writer.stop();
    this.#call.cancel(reason);
  }

  /** Ends the call. */
  end(reason: CancelReason, message: string): void {
    this.#call.cancel(reason, message);
  }
}
