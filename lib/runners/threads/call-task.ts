/** The frame that starts a call on a thread. What the request leaves out is left out here too: each field costs time. */
import type { CallTask } from './port/frames.ts';
import type { ToolCall } from './tool-call.ts';

/** @param place the index of the call's place on the thread. */
export function callTask({ number, callId, request, isExclusive }: ToolCall, place: number): CallTask {
  const { abilities, logLevel, requestMeta, mark } = request;
  const task: { -readonly [Field in keyof CallTask]: CallTask[Field] } = {
    type: 'call',
    call: number,
    place,
    callId,
    kind: request.kind ?? 'tool',
    name: request.name,
    arguments: request.arguments,
    caller: request.caller,
    isExclusive,
    streams: request.streams,
    repeatBytes: request.repeatBytes,
  };
  if (abilities !== undefined) task.abilities = abilities;
  if (logLevel !== undefined) task.logLevel = logLevel;
  if (requestMeta !== undefined) task.requestMeta = requestMeta;
  const trace = request.runs ? request.runs() : request.trace;
  if (trace !== undefined) task.trace = trace;
  if (mark !== undefined) task.mark = mark;
  return task;
}
