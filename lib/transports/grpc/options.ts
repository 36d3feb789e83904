/** The options of gRPC. */
import { option, type ValuesOf } from '../../config/option.ts';
import { onOff, optionalPort } from '../../config/value-kind.ts';

export const grpcOptions = {
  grpc: option({
    env: 'GRPC',
    flag: '--grpc',
    kind: onOff(),
    default: 'off',
    summary: "Whether gRPC is served, on the gateway's own port unless GRPC_PORT names another.",
    reason: 'Most clients speak HTTP; what is off costs nothing.',
  }),
  grpcPort: option({
    env: 'GRPC_PORT',
    flag: '--grpc-port',
    kind: optionalPort(),
    default: '',
    summary: 'A port of HOST that gRPC is served on alone; setting it turns gRPC on.',
    reason: 'One port is enough: clients of gRPC are told apart by their first bytes.',
  }),
};

export type GrpcOptions = ValuesOf<typeof grpcOptions>;
