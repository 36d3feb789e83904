/** gRPC: one generic service for all tools, with health and reflection. */
import type { TransportEntry } from '../transport.ts';
import { grpcOptions } from './options.ts';

const NAME = 'grpc';

export const grpc = {
  name: NAME,
  opens: 'listen',
  options: grpcOptions,
  rules: [],
  load: async () => new (await import('./grpc-transport.ts')).GrpcTransport(NAME),
} as const satisfies TransportEntry;
