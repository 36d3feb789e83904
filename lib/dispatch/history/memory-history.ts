/**
 * The history of calls in this process's memory.
 *
 * M1. Bounded: each call by `resumeBytes`, all together by `resumeTotalBytes`, time by `resumeTtlMs` after a call's end.
 *     The oldest ended call goes first, and whole; when none is left, the running ones keep their equal shares.
 * M2. Looking up and attaching happen in one step, so that nothing comes between; the promises are the interface's.
 */
import { ExpiryQueue } from '../../async/expiry-queue.ts';
import { TransitMap } from '../../async/transit-map.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import {
  type CallHistory,
  type CallState,
  type Claim,
  callNotFound,
  type ResumePoint,
} from './call-history.ts';
import { IdempotencyTable } from './idempotency-table.ts';
import { KeptCall, type KeptCallHost } from './kept-call.ts';

export interface HistoryLimits {
  readonly resumeTtlMs: number;
  readonly resumeBytes: number;
  readonly resumeTotalBytes: number;
  readonly detachMaxMs: number;
}

export class MemoryHistory implements CallHistory, KeptCallHost {
  readonly detachMaxMs: number;
  chunks = 0;
  readonly #callBytes: number;
  readonly #totalBytes: number;
  readonly #calls = new TransitMap<string, KeptCall>();
  readonly #ended: ExpiryQueue<KeptCall>;
  readonly #claims: IdempotencyTable;
  #bytes = 0;

  constructor({ resumeTtlMs, resumeBytes, resumeTotalBytes, detachMaxMs }: HistoryLimits) {
    this.detachMaxMs = detachMaxMs;
    this.#callBytes = resumeBytes;
    this.#totalBytes = resumeTotalBytes;
    this.#ended = new ExpiryQueue(resumeTtlMs, (call) => this.#forget(call));
    this.#claims = new IdempotencyTable(resumeTtlMs);
  }

  get eventBytes(): number {
    if (this.#bytes <= this.#totalBytes) return this.#callBytes;
    return Math.min(this.#callBytes, this.#totalBytes / this.#calls.size);
  }

  keep(call: RunningCall, streams: boolean): RunningCall {
    const kept = new KeptCall(call, this);
    this.#calls.set(call.callId, kept);
    return kept.open(streams);
  }

  /** Whether a call of that key is here. */
  has(callId: string, keyId: string): boolean {
    return this.kept(callId, keyId) !== undefined;
  }

  kept(callId: string, keyId: string): KeptCall | undefined {
    return this.#find(callId, keyId);
  }

  /** Keeps a call that was kept elsewhere. @param before the number of the last event that is no longer to be had. */
  takeOver(call: RunningCall, before: number): KeptCall {
    const kept = new KeptCall(call, this, before);
    this.#calls.set(call.callId, kept);
    return kept;
  }

  /**
   * The call is kept elsewhere from now on: its reader is told, and it goes on there.
   * @param isAway whether its reader is to go there too.
   */
  moved(callId: string, isAway = false): void {
    const kept = this.#calls.get(callId);
    if (!kept) return;
    kept.moveAway(isAway);
    this.#forget(kept);
  }

  async resume({ callId, keyId, after }: ResumePoint): Promise<RunningCall> {
    const kept = this.#find(callId, keyId);
    if (!kept) throw callNotFound(callId);
    return kept.resume(after);
  }

  async release(callId: string, keyId: string): Promise<void> {
    const kept = this.#find(callId, keyId);
    if (!kept) throw callNotFound(callId);
    if (kept.release()) return;
    const reason = `the call ${callId} does not wait for readers; it was made without "detach"`;
    throw new ToolError('failed_precondition', reason);
  }

  async find(callId: string, keyId: string): Promise<CallState | undefined> {
    return this.#find(callId, keyId)?.state;
  }

  async list(keyId: string): Promise<readonly CallState[]> {
    const states: CallState[] = [];
    this.#calls.each((kept) => {
      if (kept.keyId === keyId) states.push(kept.state);
    });
    return states;
  }

  async once(claim: Claim, callId: string, start: () => RunningCall): Promise<RunningCall> {
    const made = this.#claims.find(claim);
    if (made) return this.#replay(made.callId, claim);
    const held = this.#claims.hold(claim, callId);
    const call = start();
    if (!this.#calls.has(callId))
      this.#claims.release(held); // refused before anything could run it
    else call.onEnd((end) => this.#claims.ended(held, end, call.hasStarted));
    return call;
  }

  #replay(callId: string, { keyId, key, streams }: Claim): RunningCall {
    const kept = this.#find(callId, keyId);
    if (kept) return kept.replay(streams);
    const reason = `the call made with the idempotency key ${JSON.stringify(key)} ran, and its events are no longer kept`;
    throw new ToolError('gone', reason, { details: { callId } });
  }

  #find(callId: string, keyId: string): KeptCall | undefined {
    const kept = this.#calls.get(callId);
    return kept?.keyId === keyId ? kept : undefined;
  }

  took(chunks: number): void {
    this.chunks += chunks;
  }

  grew(bytes: number): void {
    this.#bytes += bytes;
    while (this.#bytes > this.#totalBytes) {
      const oldest = this.#ended.takeOldest();
      if (!oldest) return;
      this.#forget(oldest);
    }
  }

  ended(call: KeptCall): void {
    this.#ended.add(call);
    this.grew(0);
  }

  #forget(call: KeptCall): void {
    if (this.#calls.get(call.callId) !== call) return;
    this.#calls.delete(call.callId);
    this.#bytes -= call.bytes;
  }

  close(): void {
    this.#ended.close();
    this.#claims.close();
    this.#calls.each((call) => call.close());
    this.#calls.clear();
    this.#bytes = 0;
  }
}
