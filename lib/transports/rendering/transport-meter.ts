/** What a transport counts: plain numbers, bumped by the transport and read by `GET /stats` and the metrics. */

export interface TransportMeter {
  /** Open sockets; 0 where the transport runs on connections of the listening socket. */
  connections: number;
  /** Calls being streamed now. */
  streams: number;
  /** Bytes of answers to calls, since the start. */
  bytes: number;
  /** Streams destroyed because their reader made no progress. */
  slowConsumers: number;
}

export const newTransportMeter = (): TransportMeter => ({
  connections: 0,
  streams: 0,
  bytes: 0,
  slowConsumers: 0,
});
