/**
 * How frames travel through a thread's port: those that every call has, as lists of their fields. Structured clone writes
 * the names of the fields with each object and looks them up on the other side, which was two thirds of what the frames
 * of a small call cost.
 *
 * K1. A list begins with the number of its kind. What is no such list, is passed on as it came: whether it is a frame is
 *     for others to say (frame-check.ts).
 * K2. The order of the fields is known here and nowhere else.
 * K3. A call that has what few calls have (`_meta`, a trace, what its client can answer) goes as it is.
 */
import type { CallTask, HostFrame, ResultFrame, ThreadFrame } from './frames.ts';

type ChunksFrame = Extract<ThreadFrame, { readonly type: 'chunks' }>;

const CALL = 1;
const RESULT = 2;
const CHUNKS = 3;

const { isArray } = Array; // loaded before any tool

/** What is to be posted for a frame. */
export function packed(frame: HostFrame | ThreadFrame): unknown {
  switch (frame.type) {
    case 'call':
      return packedCall(frame);
    case 'result':
      return [
        RESULT,
        frame.call,
        frame.data,
        frame.repeats,
        frame.shape,
        frame.chunks,
        frame.meta,
        frame.ranMs,
      ];
    case 'chunks':
      return [CHUNKS, frame.call, frame.index, frame.count, frame.text];
    default:
      return frame;
  }
}

function packedCall(task: CallTask): unknown {
  const { caller, abilities, logLevel, requestMeta, trace, mark } = task;
  const isPlain =
    caller.session === undefined &&
    abilities === undefined &&
    logLevel === undefined &&
    requestMeta === undefined &&
    trace === undefined &&
    mark === undefined;
  if (!isPlain) return task;
  return [
    CALL,
    task.call,
    task.place,
    task.callId,
    task.kind,
    task.name,
    task.arguments,
    caller.keyId,
    caller.transport,
    task.isExclusive,
    task.streams,
    task.repeatBytes,
  ];
}

/** The frame that was posted, or whatever else was. */
export function unpacked(posted: unknown): unknown {
  if (!isArray(posted)) return posted;
  switch (posted[0]) {
    case CALL:
      return {
        type: 'call',
        call: posted[1],
        place: posted[2],
        callId: posted[3],
        kind: posted[4],
        name: posted[5],
        arguments: posted[6],
        caller: { keyId: posted[7], transport: posted[8] },
        isExclusive: posted[9],
        streams: posted[10],
        repeatBytes: posted[11],
      } satisfies { readonly [Field in keyof CallTask]: unknown };
    case RESULT:
      return {
        type: 'result',
        call: posted[1],
        data: posted[2],
        repeats: posted[3],
        shape: posted[4],
        chunks: posted[5],
        meta: posted[6],
        ranMs: posted[7],
      } satisfies { readonly [Field in keyof ResultFrame]: unknown };
    case CHUNKS:
      return {
        type: 'chunks',
        call: posted[1],
        index: posted[2],
        count: posted[3],
        text: posted[4],
      } satisfies { readonly [Field in keyof ChunksFrame]: unknown };
    default:
      return posted;
  }
}
