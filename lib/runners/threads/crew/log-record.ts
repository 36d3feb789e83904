/** What a thread logs, as whoever listens to the runner is told it. */
import type { ToolLogRecord } from '../../runner.ts';
import type { ThreadFrame } from '../port/frames.ts';
import type { ToolCall } from '../tool-call.ts';

export type LogFrame = Extract<ThreadFrame, { readonly type: 'log' }>;

/** @param call that logged; none where it was no call, or one that has ended. */
export function recordOf({ level, message, data }: LogFrame, call?: ToolCall): ToolLogRecord {
  const record = { callId: call?.callId ?? null, tool: call?.request.name ?? null, level, message };
  return data === undefined ? record : { ...record, data };
}
