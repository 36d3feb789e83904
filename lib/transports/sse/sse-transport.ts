/** Server-Sent Events as a format of streamed answers, the first of them. */
import { FormatTransport } from '../http/format-transport.ts';
import { SseSink } from './sse-sink.ts';

const FORMAT = { mediaType: 'text/event-stream', label: 'SSE', preference: 1 };

export class SseTransport extends FormatTransport {
  constructor(name: string, headDelayMs?: number) {
    super(name, FORMAT, SseSink, headDelayMs);
  }
}
