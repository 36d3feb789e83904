/** The calls of all gateways of a fleet, as the history of one of them sees them. */
import type { RunningCall } from '../../call/running-call.ts';
import type { CallState, Claim } from './call-history.ts';

/** A call that this gateway has taken over. */
export interface TakenCall {
  readonly call: RunningCall;
  /** The number of the last event that is no longer to be had. */
  readonly before: number;
  /** The number of its newest event. */
  readonly last: number;
  readonly isEnded: boolean;
}

export type ClaimReply =
  /** It is this caller's: the call has to be opened until then. */
  | { readonly claimedUntil: number }
  /** It was made before. */
  | { readonly callId: string; readonly fingerprint: string; readonly ageMs: number };

export interface SharedCalls {
  /** Makes this gateway the one that reads a call. @returns undefined for one that is not kept, or another key's. */
  take(callId: string, keyId: string): Promise<TakenCall | undefined>;
  /**
   * Whether another gateway has taken over what is kept here; who listens to `onMoved` is told, if so. Undefined: what the
   * fleet shares does not answer.
   */
  isElsewhere(callId: string): Promise<boolean | undefined>;
  find(callId: string, keyId: string): Promise<CallState | undefined>;
  list(keyId: string): Promise<readonly CallState[]>;
  cancel(callId: string, keyId: string): Promise<boolean>;
  /** False where that cannot be found out. */
  hasEnded(callId: string): Promise<boolean>;
  /** @param instead of a call that was never made. */
  claim(claim: Claim, callId: string, instead?: string): Promise<ClaimReply>;
  giveBack(claim: Claim, callId: string): Promise<void>;
  /** Told of calls that another gateway has taken over. */
  onMoved(listener: (callId: string, isAway: boolean) => void): void;
}
