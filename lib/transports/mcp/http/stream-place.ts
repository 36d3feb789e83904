/**
 * Where a client has left the stream of a request, as the ids of its events say it to other gateways: which gateway had
 * it, which call answers, and how much of that the client has.
 */
import type { ToldSoFar } from '../outlet.ts';

/** The client has the response. */
export const OVER = 'over';

export interface StreamPlace {
  /** The gateway. */
  readonly place: string;
  readonly stream: string;
  readonly callId: string;
  readonly told: ToldSoFar | typeof OVER;
}

const NOTHING: ToldSoFar = { seq: 0 };

/** What an id says behind its number. @param callId undefined: no call answers. */
export function placeText(callId: string | undefined, told: ToldSoFar | typeof OVER = NOTHING): string {
  if (callId === undefined) return '';
  return `~${callId}~${told === OVER ? OVER : `${told.seq}~${told.progress ?? ''}`}`;
}

/** @returns undefined for an id that says nothing to other gateways. */
export function readPlace(eventId: string): StreamPlace | undefined {
  const [, stream, place, callId, seq, progress] =
    /^(([\w-]{12})\.r\d+)_\d+~([\w-]+)~(?:over|(\d{1,15})~([\d.e+-]{0,30}))$/.exec(eventId) ?? [];
  if (stream === undefined || place === undefined || callId === undefined) return undefined;
  const value = progress === undefined || progress === '' ? undefined : Number(progress);
  if (Number.isNaN(value)) return undefined;
  const told = seq === undefined ? OVER : { seq: Number(seq), progress: value };
  return { place, stream, callId, told };
}
