/** A client made by grpc-js from the .proto that the package ships, and the transport's adapter for the shared suite. */
import { fileURLToPath } from 'node:url';
import {
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ClientCall, type ClientCallOptions, type Connect, type ToldError } from '../transport-client.ts';

const PROTO = fileURLToPath(new URL('../../../../lib/transports/grpc/mcp_gateway.proto', import.meta.url));
export const PROTO_OPTIONS = { keepCase: true, longs: Number, defaults: true, oneofs: true };
export const definition = loadSync(PROTO, PROTO_OPTIONS);

// biome-ignore lint/suspicious/noExplicitAny: grpc-js gives such clients no types
export type Any = any;

/** A client of `McpGateway`. @param target host and port. */
export function grpcClient(target: string, options: object = {}, secure = credentials.createInsecure()): Any {
  const { mcp } = loadPackageDefinition(definition) as Any;
  return new mcp.gateway.v1.McpGateway(target, secure, { 'grpc.use_local_subchannel_pool': 1, ...options });
}

export const keyMetadata = (key = 'super-secret'): Metadata => {
  const metadata = new Metadata();
  metadata.set('x-api-key', key);
  return metadata;
};

/** What a unary RPC gives. */
export const unary = (client: Any, method: string, request: object, metadata = keyMetadata(), options = {}) =>
  new Promise<Any>((resolve, reject) =>
    client[method](request, metadata, options, (error: ServiceError | null, answer: Any) =>
      error ? reject(error) : resolve(answer),
    ),
  );

/** What it is refused with. */
export const refusal = async (promise: Promise<unknown>): Promise<ServiceError> =>
  promise.then(
    () => {
      throw new Error('it was not refused');
    },
    (error) => error,
  );

/** All that a stream brings. */
export const events = async (stream: Any): Promise<Any[]> => {
  const all: Any[] = [];
  for await (const event of stream) all.push(event);
  return all;
};

const { Error: ErrorType } = Object.fromEntries(
  Object.entries(definition).map(([name, type]) => [name.replace('mcp.gateway.v1.', ''), type]),
) as Any;

/** The gateway's own error in the details of a status. */
export function detailOf(error: ServiceError): Any {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  if (!Buffer.isBuffer(bytes)) return undefined;
  const status = decodeStatus(bytes);
  const any = status.details.find(({ type }) => type.endsWith('mcp.gateway.v1.Error'));
  return any && protobufDecode(any.value);
}

/** mcp.gateway.v1.Error by the generated type of proto-loader. */
const protobufDecode = (bytes: Buffer): Any => errorCodec(bytes);
const errorCodec = (bytes: Buffer): Any => ErrorType.deserialize(bytes);

/** google.rpc.Status, read by hand: independent of the gateway's own reader. */
export function decodeStatus(bytes: Buffer): {
  code: number;
  message: string;
  details: { type: string; value: Buffer }[];
} {
  const fields = (message: Buffer): [number, Any][] => {
    const found: [number, Any][] = [];
    let at = 0;
    const varint = () => {
      let value = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = message[at++] as number;
        value += (byte & 127) * 2 ** shift;
        if (byte < 128) return value;
      }
    };
    while (at < message.length) {
      const tag = varint();
      if ((tag & 7) === 0) found.push([tag >> 3, varint()]);
      else {
        const length = varint();
        found.push([tag >> 3, message.subarray(at, at + length)]);
        at += length;
      }
    }
    return found;
  };
  const all = fields(bytes);
  const details = all
    .filter(([field]) => field === 3)
    .map(([, any]) => Object.fromEntries(fields(any)))
    .map(({ 1: type, 2: value }) => ({ type: String(type), value }));
  const { 1: code = 0, 2: message = '' } = Object.fromEntries(all);
  return { code, message: String(message), details };
}

const STATUS_BY_CODE: Readonly<Record<string, 'cancelled' | 'timeout'>> = {
  cancelled: 'cancelled',
  deadline_exceeded: 'timeout',
};

class StreamedCall extends ClientCall {
  readonly #stream: ClientReadableStream<Any>;
  readonly #client: Any;

  constructor(client: Any, request: object, key?: string) {
    super();
    this.#client = client;
    this.#stream = client.CallStream(request, keyMetadata(key));
    this.#stream.on('data', (event: Any) => this.#take(event));
    this.#stream.on('error', (error: ServiceError) => {
      const detail = detailOf(error);
      // The client's own library ends a call that it cancels, whatever the server says.
      const code = detail?.code ?? (error.code === 1 ? 'cancelled' : `status ${error.code}`);
      const told: ToldError = {
        code,
        message: detail?.message ?? error.details,
        ...(detail?.details && { details: JSON.parse(detail.details) }),
      };
      this.tell({ type: 'end', status: STATUS_BY_CODE[code] ?? 'error', error: told });
      this.close();
    });
    this.#stream.on('end', () => this.close());
  }

  #take({ event, progress, chunks, result }: Any): void {
    if (event === 'progress') {
      const { progress: value, total = null, message } = progress;
      this.tell({ type: 'progress', progress: value, total, message });
    } else if (event === 'chunks') {
      for (const [at, json] of chunks.json.entries())
        this.tell({ type: 'chunk', index: chunks.index + at, data: JSON.parse(json) });
    } else if (event === 'result') {
      const { json, omitted, meta } = result;
      const data = omitted ? null : JSON.parse(json);
      const more = meta === '' ? {} : { meta: JSON.parse(meta) };
      this.tell({ type: 'end', status: 'success', data, ...(omitted && { omitted }), ...more });
    }
  }

  cancel(): void {
    this.#stream.cancel();
  }

  leave(): void {
    this.#client.close();
    this.#stream.removeAllListeners('error').on('error', () => this.close());
    this.#stream.cancel();
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }
}

export const connectGrpc: Connect = async ({ port }) => {
  const clients: Any[] = [];
  const big = { 'grpc.max_receive_message_length': -1 };
  return {
    call(tool: string, args: object = {}, { timeoutMs, result }: ClientCallOptions = {}) {
      const client = grpcClient(`127.0.0.1:${port}`, big);
      clients.push(client);
      const request = { tool, arguments: JSON.stringify(args), timeout_ms: timeoutMs, result };
      return new StreamedCall(client, request);
    },
    async close() {
      for (const client of clients) client.close();
    },
  };
};
