/**
 * Call events as SSE text. Pure functions; the JSON made in the thread is pasted, never parsed.
 *
 * V1. Field order id, event, data; one space after each colon; each data line is one JSON document.
 * V2. Event names are constants and ids are ours, so nothing a tool or client says can forge an event.
 */
import type { TerminalEvent } from '../../call/call-events.ts';
import { closingStatus, renderErrorObject } from '../rendering/error-rendering.ts';
import type { ChunksEvent, ProgressEvent, RestartedEvent } from '../rendering/event-pump.ts';

/** When a client comes back whose gateway is going. */
const RETRY_MS = 500;

/** Renders the numbered events of one call. */
export class SseEventWriter {
  readonly #callId: string;
  readonly #idField: string;

  constructor(callId: string) {
    this.#callId = callId;
    this.#idField = `id: ${callId}.`;
  }

  progress({ progress, total, message, seq = 0 }: ProgressEvent): string {
    return this.#event(
      seq,
      'progress',
      `{"progress":${progress},"total":${total},"message":${JSON.stringify(message)}}`,
    );
  }

  restarted({ attempt, seq = 0 }: RestartedEvent): string {
    return this.#event(seq, 'restarted', `{"attempt":${attempt}}`);
  }

  chunks({ index, items, seq = 0 }: ChunksEvent): string {
    const id = this.#idField;
    let number = seq;
    let at = index;
    let text = '';
    for (const item of items) {
      text += `${id}${number++}\nevent: chunk\ndata: {"index":${at++},"data":${item}}\n\n`;
    }
    return text;
  }

  /** The last two events: `result` or `error`, then `done`; the second alone for who has seen the first, or was replaced; none for who is to come back. */
  end(end: TerminalEvent): string {
    const { seq = 0 } = end;
    const first = end.isSeen ? '' : this.#last(end, seq);
    if (end.type === 'result') return first + this.#event(seq + 1, 'done', '{"status":"complete"}');
    if (end.isAway) return `retry: ${RETRY_MS}\n\n`;
    if (end.isMoved) return this.#event('moved', 'done', '{"status":"moved"}');
    return first + this.#event(seq + 1, 'done', `{"status":"${closingStatus(end.error.code)}"}`);
  }

  #last(end: TerminalEvent, seq: number): string {
    if (end.type === 'error') return this.#event(seq, 'error', renderErrorObject(end.error, this.#callId));
    const omitted = end.data === null ? ',"omitted":true' : '';
    const meta = end.meta === null ? '' : `,"meta":${end.meta}`;
    const result = `{"status":"success","data":${end.data}${omitted},"chunks":${end.chunks}${meta}}`;
    return this.#event(seq, 'result', result);
  }

  #event(
    seq: number | 'moved',
    name: 'progress' | 'restarted' | 'result' | 'error' | 'done',
    data: string,
  ): string {
    return `${this.#idField}${seq}\nevent: ${name}\ndata: ${data}\n\n`;
  }
}
