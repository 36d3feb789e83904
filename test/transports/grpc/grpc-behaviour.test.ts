/** The shared behaviour over gRPC, with a client of grpc-js. */
import { transportBehaviour } from '../transport-behaviour.ts';
import { connectGrpc } from './grpc-js-client.ts';

transportBehaviour('gRPC', connectGrpc, { settings: { grpc: true } });
