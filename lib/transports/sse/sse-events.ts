/**
 * Call events as SSE text. Pure functions; the JSON made in the thread is pasted, never parsed.
 *
 * V1. Field order id, event, data; one space after each colon; each data line is one JSON document.
 * V2. Event names are constants and ids are ours, so nothing a tool or client says can forge an event.
 */
import type { TerminalEvent } from '../../call/call-events.ts';
import { closingStatus, renderErrorObject } from '../rendering/error-rendering.ts';
import type { ChunksEvent, ProgressEvent } from '../rendering/event-pump.ts';

/** Renders the events of one call and counts their ids. */
export class SseEventWriter {
  readonly #callId: string;
  readonly #idField: string;
  #sequence = 0;

  constructor(callId: string) {
    this.#callId = callId;
    this.#idField = `id: ${callId}.`;
  }

  progress({ progress, total, message }: ProgressEvent): string {
    return this.#event(
      'progress',
      `{"progress":${progress},"total":${total},"message":${JSON.stringify(message)}}`,
    );
  }

  chunks({ index, items }: ChunksEvent): string {
    const id = this.#idField;
    let sequence = this.#sequence;
    let at = index;
    let text = '';
    for (const item of items) {
      text += `${id}${++sequence}\nevent: chunk\ndata: {"index":${at++},"data":${item}}\n\n`;
    }
    this.#sequence = sequence;
    return text;
  }

  /** The last two events: `result` or `error`, then `done`. */
  end(end: TerminalEvent): string {
    if (end.type === 'error') {
      const status = closingStatus(end.error.code);
      return (
        this.#event('error', renderErrorObject(end.error, this.#callId)) +
        this.#event('done', `{"status":"${status}"}`)
      );
    }
    const omitted = end.data === null ? ',"omitted":true' : '';
    const meta = end.meta === null ? '' : `,"meta":${end.meta}`;
    const result = `{"status":"success","data":${end.data}${omitted},"chunks":${end.chunks}${meta}}`;
    return this.#event('result', result) + this.#event('done', '{"status":"complete"}');
  }

  #event(name: 'progress' | 'result' | 'error' | 'done', data: string): string {
    return `${this.#idField}${++this.#sequence}\nevent: ${name}\ndata: ${data}\n\n`;
  }
}
