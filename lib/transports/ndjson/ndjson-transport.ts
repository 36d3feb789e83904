/** NDJSON as a format of streamed answers. */
import { FormatTransport } from '../http/format-transport.ts';
import { NdjsonSink } from './ndjson-sink.ts';

const FORMAT = { mediaType: 'application/x-ndjson', label: 'NDJSON', preference: 2 };

export class NdjsonTransport extends FormatTransport {
  constructor(name: string, headDelayMs?: number) {
    super(name, FORMAT, NdjsonSink, headDelayMs);
  }
}
