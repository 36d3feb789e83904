/** The frame that starts a call on a thread. What the request leaves out is left out here too: each field costs time. */
import type { CallTask } from '../protocol/frames.ts';
import type { ToolCall } from './tool-call.ts';

const NOTHING = {};

/** @param place the index of the call's place on the thread. */
export function callTask({ number, callId, request }: ToolCall, place: number): CallTask {
  const { kind, name, caller, abilities, streams, repeatBytes, logLevel, requestMeta } = request;
  return {
    type: 'call',
    call: number,
    place,
    callId,
    kind: kind ?? 'tool',
    name,
    arguments: request.arguments,
    caller,
    streams,
    repeatBytes,
    ...(abilities === undefined ? NOTHING : { abilities }),
    ...(logLevel === undefined ? NOTHING : { logLevel }),
    ...(requestMeta === undefined ? NOTHING : { requestMeta }),
  };
}
