/**
 * Carries a call's events to whatever renders them: the one loop behind every transport that streams.
 *
 * P1. The next event is asked for only when the sink is ready for it: back-pressure reaches the tool.
 * P2. The call is read to its end even when the client has left, since its end frees what the call holds. One that is kept
 *     ends for its reader when that has left.
 */

import type { TerminalEvent, ToolEvent } from '../../call/call-events.ts';
import type { RunningCall } from '../../call/running-call.ts';

export type ProgressEvent = Extract<ToolEvent, { type: 'progress' }>;
export type ChunksEvent = Extract<ToolEvent, { type: 'chunks' }>;
export type RestartedEvent = Extract<ToolEvent, { type: 'restarted' }>;
export type AskEvent = Extract<ToolEvent, { type: 'ask' }>;
export type LogEvent = Extract<ToolEvent, { type: 'log' }>;

/** Where events go. Nothing here may throw, and after the client has left everything is a no-op. */
export interface EventSink {
  started(): void;
  progress(event: ProgressEvent): void;
  chunks(event: ChunksEvent): void;
  /** Its tool runs again: what came before is void. */
  restarted?(event: RestartedEvent): void;
  /** Called last, exactly once. */
  ended(end: TerminalEvent): void;
  /** Only where the transport's clients have abilities. */
  ask?(event: AskEvent): void;
  /** Only where a client may ask for the log of its call. */
  log?(event: LogEvent): void;
  /** A promise while the client is behind; undefined when the next event may come at once. */
  ready(): Promise<void> | undefined;
}

export async function pumpEvents(call: RunningCall, sink: EventSink): Promise<void> {
  const opening = sink.ready(); // of a stream that goes on where another broke off, and has its head already
  if (opening) await opening;
  for await (const event of call) {
    switch (event.type) {
      case 'started':
        sink.started();
        break;
      case 'progress':
        sink.progress(event);
        break;
      case 'chunks':
        sink.chunks(event);
        break;
      case 'ask':
        sink.ask?.(event);
        break;
      case 'restarted':
        sink.restarted?.(event);
        break;
      case 'log': // goes to the gateway's log, and to few clients
        sink.log?.(event);
        break;
      default:
        sink.ended(event);
    }
    const wait = sink.ready();
    if (wait) await wait;
  }
}
