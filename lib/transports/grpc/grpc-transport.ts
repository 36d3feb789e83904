/**
 * gRPC as a transport.
 *
 * G1. Without GRPC or GRPC_PORT nothing else of it is loaded.
 */
import type { Transport, TransportContext } from '../transport.ts';
import type { GrpcServer } from './grpc-server.ts';
import type { GrpcOptions } from './options.ts';

export class GrpcTransport implements Transport<TransportContext<GrpcOptions>> {
  readonly name: string;
  #server: GrpcServer | undefined;

  constructor(name: string) {
    this.name = name;
  }

  async open(context: TransportContext<GrpcOptions>): Promise<void> {
    const { grpc, grpcPort } = context.options;
    if (!grpc && grpcPort === null) return;
    const { GrpcServer } = await import('./grpc-server.ts');
    const server = new GrpcServer(this.name);
    server.open(context);
    this.#server = server;
  }

  /** The port of its own, for its numbers in /stats. */
  stats(): object {
    const port = this.#server?.port;
    return port === undefined ? {} : { port };
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}
