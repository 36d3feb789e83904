/** What each transport counts: plain numbers, bumped by the doors and read by `GET /stats` and the metrics. */

export interface TransportMeter {
  /** Open sockets. SSE and NDJSON streams run on connections of `http`. */
  connections: number;
  /** Calls being streamed now. */
  streams: number;
  /** Bytes of answers to calls, since the start. */
  bytes: number;
  /** Streams destroyed because their reader made no progress. */
  slowConsumers: number;
}

export type TransportMeters = Readonly<
  Record<'http' | 'sse' | 'ndjson' | 'websocket' | 'mcp-http', TransportMeter>
>;

const newMeter = (): TransportMeter => ({ connections: 0, streams: 0, bytes: 0, slowConsumers: 0 });

export const newTransportMeters = (): TransportMeters => ({
  http: newMeter(),
  sse: newMeter(),
  ndjson: newMeter(),
  websocket: newMeter(),
  'mcp-http': newMeter(),
});
