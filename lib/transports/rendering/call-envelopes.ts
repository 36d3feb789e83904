/**
 * Call events as the envelopes of WebSocket and NDJSON. Pure functions; JSON made in the thread is pasted.
 *
 * N1. `idField` is `"id":…,` on a socket, where several calls share the stream, and empty in NDJSON.
 */
import type { TerminalEvent } from '../../call/call-events.ts';
import { closingStatus, renderErrorObject } from './error-rendering.ts';
import type { AskEvent, ProgressEvent } from './event-pump.ts';

export const idField = (id: string | number): string => `"id":${JSON.stringify(id)},`;

export const startedEnvelope = (idField: string, tool: string, callId: string): string =>
  `{"event":"started",${idField}"tool":${JSON.stringify(tool)},"callId":"${callId}"}`;

export const progressEnvelope = (idField: string, { progress, total, message }: ProgressEvent): string =>
  `{"event":"progress",${idField}"progress":${progress},"total":${total},"message":${JSON.stringify(message)}}`;

export const chunkEnvelope = (idField: string, index: number, item: string): string =>
  `{"event":"chunk",${idField}"index":${index},"data":${item}}`;

export const askEnvelope = (idField: string, { ask, method, params }: AskEvent): string =>
  `{"event":"elicit",${idField}"ask":${ask},"method":"${method}","params":${JSON.stringify(params ?? {})}}`;

/** The envelopes that end a call: `complete`, after `error` when it failed. */
export function endEnvelopes(idField: string, callId: string | undefined, end: TerminalEvent): string[] {
  const counts = `"chunks":${end.chunks},"durationMs":${end.durationMs}`;
  if (end.type === 'error') {
    const status = closingStatus(end.error.code);
    return [
      `{"event":"error",${idField}"error":${renderErrorObject(end.error, callId)}}`,
      `{"event":"complete",${idField}"status":"${status}",${counts}}`,
    ];
  }
  const omitted = end.data === null ? '"omitted":true,' : '';
  const meta = end.meta === null ? '' : `,"meta":${end.meta}`;
  return [`{"event":"complete",${idField}"status":"success","data":${end.data},${omitted}${counts}${meta}}`];
}
