/** The envelopes of NDJSON and WebSocket, held against their order: started, progress and chunk, error, complete. */
import type { CallLog } from './call-log.ts';

export interface Envelope {
  readonly event: string;
  readonly id?: unknown;
  readonly error?: { readonly code: string; readonly details?: unknown } | undefined;
  readonly [member: string]: unknown;
}

const STATUS_OF: Readonly<Record<string, string>> = { cancelled: 'cancelled', deadline_exceeded: 'timeout' };

/** The status that the closing event has after an error. */
export const closingStatus = (code: string): string => STATUS_OF[code] ?? 'error';

/** @returns what to feed with each envelope of one call. */
export function envelopeReader(log: CallLog): (envelope: Envelope) => void {
  let isStarted = false;
  let error: Envelope['error'];
  const order = (holds: boolean, event: string) => {
    if (!holds) log.breach('contract', `${event} out of its place`);
  };
  return (envelope) => {
    const { event } = envelope;
    switch (event) {
      case 'started':
        order(!isStarted && !error, event);
        isStarted = true;
        log.started();
        break;
      case 'progress':
        order(isStarted && !error, event);
        log.progress(envelope['progress'], envelope['message']);
        break;
      case 'chunk':
        order(isStarted && !error, event);
        log.chunk(envelope['index'], envelope['data']);
        break;
      case 'error':
        order(!error, event);
        error = envelope.error;
        break;
      case 'complete': {
        const status = error ? closingStatus(error.code) : 'success';
        if (envelope['status'] !== status)
          log.breach('contract', `complete says ${String(envelope['status'])} and not ${status}`);
        if (error) log.failed(error.code, error.details);
        else log.succeeded(envelope['data']);
        break;
      }
      default:
        log.breach('contract', `unknown event ${event}`);
    }
  };
}
