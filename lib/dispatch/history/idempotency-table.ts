/**
 * The idempotency keys in use, by the API key they belong to.
 *
 * I1. A claim is held from before its call is made until a while after its end, whatever else is forgotten: as long, no
 *     second call is made with it.
 * I2. Only a call that is known not to have run gives its claim back: one that was refused. Of one that was cancelled
 *     before it began it is not known; its claim stays.
 */
import { ExpiryQueue } from '../../async/expiry-queue.ts';
import { TransitMap } from '../../async/transit-map.ts';
import type { TerminalEvent } from '../../call/call-events.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { Claim } from './call-history.ts';

/** Claims that one API key may hold at a time. */
const MAX_CLAIMS = 10_000;

/** Statuses of refusals, where the tool has not run. */
const REFUSED: ReadonlySet<number> = new Set([400, 404, 422, 429, 503]);

/** A claim and the call that holds it. */
export interface HeldClaim extends Pick<Claim, 'keyId' | 'key' | 'fingerprint'> {
  readonly callId: string;
}

export class IdempotencyTable {
  readonly #held = new Map<string, TransitMap<string, HeldClaim>>();
  readonly #ended: ExpiryQueue<HeldClaim>;

  constructor(ttlMs: number) {
    this.#ended = new ExpiryQueue(ttlMs, (claim) => this.release(claim));
  }

  /**
   * The call that was made with this claim.
   * @throws {ToolError} idempotency_mismatch when the key was used for another.
   */
  find({ keyId, key, fingerprint }: Claim): HeldClaim | undefined {
    const held = this.#held.get(keyId)?.get(key);
    if (held && held.fingerprint !== fingerprint) {
      throw new ToolError(
        'idempotency_mismatch',
        `the idempotency key ${JSON.stringify(key)} was used with another tool or body; use a new key for a new call`,
        { details: { callId: held.callId } },
      );
    }
    return held;
  }

  /** @throws {ToolError} overloaded when the API key holds too many claims. */
  hold({ keyId, key, fingerprint }: Claim, callId: string): HeldClaim {
    const held = this.#held.get(keyId) ?? new TransitMap();
    if (held.size >= MAX_CLAIMS) {
      const reason = `${MAX_CLAIMS} idempotency keys are in use; one is free when RESUME_TTL has passed after its call`;
      throw new ToolError('overloaded', reason, { retryAfterMs: 5000 });
    }
    const claim = { keyId, key, fingerprint, callId };
    this.#held.set(keyId, held);
    held.set(key, claim);
    return claim;
  }

  /** Its call has ended. @param hasStarted whether its tool runs or has run. */
  ended(claim: HeldClaim, end: TerminalEvent, hasStarted: boolean): void {
    const isRefused = end.type === 'error' && !hasStarted && REFUSED.has(end.error.status);
    if (isRefused) this.release(claim);
    else this.#ended.add(claim);
  }

  /** Gives a claim back whose call has not run. */
  release({ keyId, key }: HeldClaim): void {
    const held = this.#held.get(keyId);
    held?.delete(key);
    if (held?.size === 0) this.#held.delete(keyId);
  }

  close(): void {
    this.#ended.close();
    this.#held.clear();
  }
}
