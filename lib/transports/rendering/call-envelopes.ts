/**
 * Call events as the envelopes of WebSocket and NDJSON. Pure functions; JSON made in the thread is pasted.
 *
 * N1. `idField` is `"id":…,` on a socket, where several calls share the stream, and empty in NDJSON.
 * N2. `seq` is the event's number, where the reader is told of it.
 */
import type { TerminalEvent } from '../../call/call-events.ts';
import { durationText } from './duration-text.ts';
import { closingStatus, renderErrorObject } from './error-rendering.ts';
import type { AskEvent, ProgressEvent, RestartedEvent } from './event-pump.ts';

export const idField = (id: string | number): string => `"id":${JSON.stringify(id)},`;

const seqField = (seq: number | undefined): string => (seq === undefined ? '' : `,"seq":${seq}`);

export const startedEnvelope = (idField: string, tool: string, callId: string, seq?: number): string =>
  `{"event":"started",${idField}"tool":${JSON.stringify(tool)},"callId":"${callId}"${seqField(seq)}}`;

export const progressEnvelope = (
  idField: string,
  { progress, total, message }: ProgressEvent,
  seq?: number,
): string =>
  `{"event":"progress",${idField}"progress":${progress},"total":${total},"message":${JSON.stringify(message)}${seqField(seq)}}`;

export const restartedEnvelope = (idField: string, { attempt }: RestartedEvent, seq?: number): string =>
  `{"event":"restarted",${idField}"attempt":${attempt}${seqField(seq)}}`;

export const chunkEnvelope = (idField: string, index: number, item: string, seq?: number): string =>
  `{"event":"chunk",${idField}"index":${index},"data":${item}${seqField(seq)}}`;

export const askEnvelope = (idField: string, { ask, method, params }: AskEvent): string =>
  `{"event":"elicit",${idField}"ask":${ask},"method":"${method}","params":${JSON.stringify(params ?? {})}}`;

/**
 * The envelopes that end a call: `complete`, after `error` when it failed; `complete` alone for who has seen the error,
 * or was replaced by a newer reader; none for who is to come back.
 */
export function endEnvelopes(
  idField: string,
  callId: string | undefined,
  end: TerminalEvent,
  seq?: number,
): string[] {
  const counts = `"chunks":${end.chunks},"durationMs":${durationText(end.durationMs)}`;
  const closing = seqField(seq === undefined ? undefined : seq + 1);
  if (end.type === 'error') {
    if (end.isAway) return [];
    const status = end.isMoved ? 'moved' : closingStatus(end.error.code);
    const complete = `{"event":"complete",${idField}"status":"${status}",${counts}${closing}}`;
    if (end.isMoved || end.isSeen) return [complete];
    return [
      `{"event":"error",${idField}"error":${renderErrorObject(end.error, callId)}${seqField(seq)}}`,
      complete,
    ];
  }
  const omitted = end.data === null ? '"omitted":true,' : '';
  const meta = end.meta === null ? '' : `,"meta":${end.meta}`;
  return [
    `{"event":"complete",${idField}"status":"success","data":${end.data},${omitted}${counts}${meta}${closing}}`,
  ];
}
