/** Calls as `GET /calls` and `GET /calls/{id}` show them. Pure functions; JSON made in the thread is pasted. */
import type { CallState } from '../../dispatch/calls.ts';
import { closingStatus, renderErrorObject } from '../rendering/error-rendering.ts';

/** All of a key's calls, without what they returned. */
export const renderCalls = (states: readonly CallState[]): string =>
  `{"calls":[${states.map((state) => `{${facts(state)}}`).join(',')}]}`;

/** One call, with its data or its error once it has ended. */
export function renderCall(state: CallState): string {
  const { end, callId } = state;
  if (!end) return `{${facts(state)}}`;
  if (end.type === 'error') return `{${facts(state)},"error":${renderErrorObject(end.error, callId)}}`;
  const omitted = end.data === null ? ',"omitted":true' : '';
  return `{${facts(state)},"data":${end.data}${omitted}}`;
}

function facts({ callId, tool, chunks, madeAt, end, ...state }: CallState): string {
  const status = end ? endStatus(end) : state.hasStarted ? 'running' : 'queued';
  const startedAt = new Date(madeAt).toISOString();
  const text = JSON.stringify({
    callId,
    tool,
    status,
    chunks: end?.chunks ?? chunks,
    startedAt,
    durationMs: end?.durationMs,
  });
  return text.slice(1, -1);
}

const endStatus = (end: NonNullable<CallState['end']>): string =>
  end.type === 'result' ? 'success' : closingStatus(end.error.code);
