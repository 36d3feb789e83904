/** A call as it is handed on: its id, and one shape whatever transport it came over. */
import { randomBytes } from 'node:crypto';
import type { TracedCall } from '../call/call-tracer.ts';
import type { CallKind } from '../call/catalog.ts';
import type { CallRequest, Keeping } from '../call/running-call.ts';
import type { AdmittedCall } from '../runners/runner.ts';

/** Whatever the transport, behind this point all calls have one shape: V8 is slow where shapes vary, or are copied. */
export function admit(
  request: CallRequest,
  kind: CallKind,
  callId: string,
  keep: Keeping | undefined,
  traced: TracedCall | undefined,
  limits?: AdmittedCall['limits'],
): AdmittedCall {
  return {
    callId,
    kind,
    name: request.name,
    arguments: request.arguments,
    caller: request.caller,
    timeoutMs: request.timeoutMs,
    streams: request.streams || keep !== undefined,
    repeatBytes: request.repeatBytes,
    everyProgress: request.everyProgress,
    abilities: request.abilities,
    logLevel: request.logLevel,
    requestMeta: request.requestMeta,
    trace: request.trace ?? request.origin?.trace,
    runs: traced && (() => traced.runs()),
    keep,
    madeAt: Date.now(),
    claimedUntil: request.claimedUntil,
    limits,
  };
}

const ID_LENGTH = 16;
let ids = '';
let idsUsed = 0;

/** 96 random bits in URL-safe text; made 256 at a time, since a call needs one each. */
export function newCallId(): string {
  if (idsUsed >= ids.length) {
    ids = randomBytes(256 * 12).toString('base64url');
    idsUsed = 0;
  }
  idsUsed += ID_LENGTH;
  return ids.slice(idsUsed - ID_LENGTH, idsUsed);
}
