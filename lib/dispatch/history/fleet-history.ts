/**
 * The history of calls on a fleet: this gateway's in its memory, every other's in what the fleet shares.
 *
 * F1. A call is read by one gateway at a time: who takes it over tells the one before, whose reader has moved then.
 * F2. An idempotency key is claimed for the whole fleet. A claim whose call was never opened is void after a while, and
 *     Redis refuses to open it then; one whose call was refused before its tool ran is void at once.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { TerminalEvent } from '../../call/call-events.ts';
import type { RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import {
  type CallHistory,
  type CallState,
  type Claim,
  callNotFound,
  type ResumePoint,
} from './call-history.ts';
import type { KeptCall } from './kept-call.ts';
import type { MemoryHistory } from './memory-history.ts';
import type { SharedCalls } from './shared-calls.ts';

/** How long a call that was claimed may take until it is opened; Redis holds it to that. */
export const OPENING_MS = 3000;
const LOOK_MS = 50;
/** Statuses of refusals, where the tool has not run. */
const REFUSED: ReadonlySet<number> = new Set([400, 404, 422, 429, 503]);

export class FleetHistory implements CallHistory {
  readonly #own: MemoryHistory;
  readonly #shared: SharedCalls;
  /** Calls that go on elsewhere, since this gateway is going. */
  readonly #away = new Set<string>();

  constructor(own: MemoryHistory, shared: SharedCalls) {
    this.#own = own;
    this.#shared = shared;
    shared.onMoved((callId, isAway) => {
      if (isAway) this.#away.add(callId);
      own.moved(callId, isAway);
    });
  }

  get detachMaxMs(): number {
    return this.#own.detachMaxMs;
  }

  get chunks(): number {
    return this.#own.chunks;
  }

  keep(call: RunningCall, streams: boolean): RunningCall {
    return this.#own.keep(call, streams);
  }

  async resume(point: ResumePoint): Promise<RunningCall> {
    const { callId, keyId, after } = point;
    const isElsewhere = this.#own.has(callId, keyId) ? await this.#shared.isElsewhere(callId) : true;
    const own = isElsewhere ? undefined : this.#own.kept(callId, keyId);
    if (own) {
      // It has been read further elsewhere, and where that is cannot be found out now.
      if (isElsewhere === undefined && own.isBehind(after)) throw unreachable();
      return this.#own.resume(point);
    }
    const taken = await this.#shared.take(callId, keyId);
    if (!taken) throw callNotFound(callId);
    const kept = this.#own.takeOver(taken.call, taken.before);
    if (!taken.isEnded) return kept.resumeTaken(after, taken.last);
    while (!kept.isTakenIn) await setImmediate();
    return kept.resume(after);
  }

  /** Whether it is kept here, and nowhere else by now. */
  async #isOwn(callId: string, keyId: string): Promise<boolean> {
    return (
      this.#own.has(callId, keyId) &&
      !(await this.#shared.isElsewhere(callId)) &&
      this.#own.has(callId, keyId)
    );
  }

  /** One that another gateway reads is taken over first (F1). */
  async release(callId: string, keyId: string): Promise<void> {
    if (!(await this.#isOwn(callId, keyId))) {
      const taken = await this.#shared.take(callId, keyId);
      if (!taken) throw callNotFound(callId);
      this.#own.takeOver(taken.call, taken.before);
    }
    return this.#own.release(callId, keyId);
  }

  async find(callId: string, keyId: string): Promise<CallState | undefined> {
    return (await this.#own.find(callId, keyId)) ?? this.#shared.find(callId, keyId);
  }

  async list(keyId: string): Promise<readonly CallState[]> {
    const [own, shared] = await Promise.all([this.#own.list(keyId), this.#shared.list(keyId)]);
    const known = new Set(own.map(({ callId }) => callId));
    return [...own, ...shared.filter(({ callId }) => !known.has(callId))];
  }

  cancel(callId: string, keyId: string): Promise<boolean> {
    return this.#shared.cancel(callId, keyId);
  }

  hasEnded(callId: string): Promise<boolean> {
    return this.#shared.hasEnded(callId);
  }

  async once(
    claim: Claim,
    callId: string,
    start: (claimedUntil?: number) => RunningCall,
  ): Promise<RunningCall> {
    let instead: string | undefined;
    for (;;) {
      const reply = await this.#shared.claim(claim, callId, instead);
      if ('claimedUntil' in reply) return this.#start(claim, callId, () => start(reply.claimedUntil));
      if (reply.fingerprint !== claim.fingerprint) throw mismatch(claim, reply.callId);
      const made = await this.#find(reply.callId, claim);
      if (made && !isRefused(made)) return made.replay(claim.streams);
      // Claimed, and not opened: it is on its way, or its gateway died.
      if (made || reply.ageMs > 2 * OPENING_MS) instead = reply.callId;
      else await setTimeout(LOOK_MS);
    }
  }

  #start(claim: Claim, callId: string, start: () => RunningCall): RunningCall {
    const call = start();
    const giveBack = () => void this.#shared.giveBack(claim, callId);
    if (!this.#own.has(callId, claim.keyId)) giveBack();
    else
      call.onEnd((end) => {
        if (!this.#away.has(callId) && isRefusal(end, call.hasStarted)) giveBack();
      });
    return call;
  }

  /** @returns undefined where there is no such call. */
  async #find(callId: string, { keyId }: Claim): Promise<KeptCall | undefined> {
    const own = (await this.#isOwn(callId, keyId)) ? this.#own.kept(callId, keyId) : undefined;
    if (own) return own;
    const taken = await this.#shared.take(callId, keyId);
    if (!taken) return undefined;
    const kept = this.#own.takeOver(taken.call, taken.before);
    while (taken.isEnded && !kept.isTakenIn) await setImmediate();
    return kept;
  }

  close(): void {
    this.#own.close();
  }
}

const isRefusal = (end: TerminalEvent, hasStarted: boolean): boolean =>
  end.type === 'error' && !hasStarted && REFUSED.has(end.error.status);

const isRefused = ({ state: { end, hasStarted } }: KeptCall): boolean =>
  end !== undefined && isRefusal(end, hasStarted);

const mismatch = ({ key }: Claim, callId: string): ToolError =>
  new ToolError(
    'idempotency_mismatch',
    `the idempotency key ${JSON.stringify(key)} was used with another tool or body; use a new key for a new call`,
    { details: { callId } },
  );

const unreachable = (): ToolError =>
  new ToolError('unavailable', 'what the fleet knows of the call cannot be reached; try again shortly', {
    retryAfterMs: 1000,
  });
