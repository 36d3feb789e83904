/** Reflection: what grpcurl and its like ask, in their order, and that it says what the .proto files say. */
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, makeClientConstructor } from '@grpc/grpc-js';
import { fromJSON, loadFileDescriptorSetFromBuffer, loadSync } from '@grpc/proto-loader';
import { expect } from 'chai';
import { DESCRIPTORS } from '../../../lib/transports/grpc/descriptors.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { type Any, definition, events, keyMetadata, PROTO_OPTIONS } from './grpc-js-client.ts';

const HEALTH = fileURLToPath(new URL('../../../../lib/transports/grpc/health.proto', import.meta.url));

describe('reflection of gRPC', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startGateway({ grpc: true, minWorkers: 1, maxWorkers: 1 });
  });
  after(() => gateway.close());

  it('describes in reflection what the .proto files say', () => {
    const set = setOf(DESCRIPTORS.map(({ base64 }) => Buffer.from(base64, 'base64')));
    const fieldOf = ({ name, number, label, type, typeName, oneofIndex }: Any) => {
      return [name, number, label, type, typeName.replace(/^.*\./, ''), oneofIndex];
    };
    const described = loadFileDescriptorSetFromBuffer(set, PROTO_OPTIONS);
    const written = { ...definition, ...loadSync(HEALTH, PROTO_OPTIONS) };
    const shapeOf = (types: Any) =>
      Object.fromEntries(
        Object.entries(types).map(([name, type]: [string, Any]) => [
          name,
          type.format
            ? { fields: type.type.field.map(fieldOf), values: type.type.value }
            : Object.fromEntries(
                Object.entries(type).map(
                  ([method, { path, requestStream, responseStream }]: [string, Any]) => [
                    method,
                    { path, requestStream, responseStream },
                  ],
                ),
              ),
        ]),
      );
    expect(Object.keys(shapeOf(described)).sort()).to.deep.equal(Object.keys(shapeOf(written)).sort());
    expect(JSON.parse(JSON.stringify(shapeOf(described)))).to.deep.equal(
      JSON.parse(JSON.stringify(shapeOf(written))),
    );
  });

  /** A client of one version of reflection; asks its questions on one stream, and gives the answers in their order. */
  const ask = async (version: string, ...questions: object[]): Promise<Any[]> => {
    const reflection = fromJSON(reflectionOf(version) as Any, PROTO_OPTIONS);
    const { grpc } = loadPackageDefinition(reflection) as Any;
    const target = `127.0.0.1:${gateway.port}`;
    const server = new grpc.reflection[version].ServerReflection(target, credentials.createInsecure());
    const stream = server.ServerReflectionInfo(keyMetadata());
    for (const question of questions) stream.write(question);
    stream.end();
    const answers = await events(stream);
    server.close();
    return answers;
  };

  for (const version of ['v1', 'v1alpha']) {
    it(`answers ${version}, by name of service, symbol and file`, async () => {
      const [services, bySymbol, byMethod, byFile, health, none, extension] = await ask(
        version,
        { list_services: '*' },
        { file_containing_symbol: 'mcp.gateway.v1.Error' },
        { file_containing_symbol: 'mcp.gateway.v1.McpGateway.Call' },
        { file_by_filename: 'mcp_gateway.proto' },
        { file_containing_symbol: 'grpc.health.v1.Health' },
        { file_containing_symbol: 'no.such.Thing' },
        { all_extension_numbers_of_type: 'mcp.gateway.v1.Error' },
      );
      expect(services.list_services_response.service.map(({ name }: Any) => name)).to.include.members([
        'mcp.gateway.v1.McpGateway',
        'grpc.health.v1.Health',
      ]);
      const file = ({ file_descriptor_response: answer }: Any) =>
        answer.file_descriptor_proto[0].toString('latin1');
      expect(file(bySymbol)).to.include('McpGateway');
      expect(byMethod.file_descriptor_response).to.deep.equal(bySymbol.file_descriptor_response);
      expect(byFile.file_descriptor_response).to.deep.equal(bySymbol.file_descriptor_response);
      expect(file(health)).to.include('HealthCheckRequest');
      expect(none.error_response.error_code).to.equal(5);
      expect(extension.error_response.error_code).to.equal(12);
    });
  }

  it('is all that a client needs to call a tool, as grpcurl does', async () => {
    const [{ list_services_response: list }] = await ask('v1', { list_services: '' });
    const name = list.service.map(({ name }: Any) => name).find((one: string) => one.includes('Gateway'));
    const [{ file_descriptor_response: answer }] = await ask('v1', { file_containing_symbol: name });
    const described = loadFileDescriptorSetFromBuffer(
      setOf(answer.file_descriptor_proto as Buffer[]),
      PROTO_OPTIONS,
    );
    const Client = makeClientConstructor(described[name] as Any, name) as Any;
    const client = new Client(`127.0.0.1:${gateway.port}`, credentials.createInsecure());
    const told = await events(client.CallStream({ tool: 'count', arguments: '{"n":3}' }, keyMetadata()));
    expect(told.flatMap(({ chunks }) => chunks?.json ?? [])).to.deep.equal(['{"i":0}', '{"i":1}', '{"i":2}']);
    client.close();
  });
});

/** A google.protobuf.FileDescriptorSet of files. */
const setOf = (files: readonly Buffer[]): Buffer =>
  Buffer.concat(
    files.flatMap((bytes) => {
      const length = [];
      for (let rest = bytes.length; ; rest >>= 7) {
        length.push(rest >= 128 ? (rest & 127) | 128 : rest);
        if (rest < 128) break;
      }
      return [Buffer.from([0x0a, ...length]), bytes];
    }),
  );

/** As much of grpc/reflection/v1/reflection.proto as is asked for here, or of v1alpha. */
const reflectionOf = (version: string) => ({
  nested: {
    grpc: {
      nested: {
        reflection: {
          nested: {
            [version]: {
              nested: {
                ServerReflection: {
                  methods: {
                    ServerReflectionInfo: {
                      requestType: 'ServerReflectionRequest',
                      requestStream: true,
                      responseType: 'ServerReflectionResponse',
                      responseStream: true,
                    },
                  },
                },
                ServerReflectionRequest: {
                  oneofs: {
                    message_request: {
                      oneof: [
                        'file_by_filename',
                        'file_containing_symbol',
                        'all_extension_numbers_of_type',
                        'list_services',
                      ],
                    },
                  },
                  fields: {
                    file_by_filename: { type: 'string', id: 3 },
                    file_containing_symbol: { type: 'string', id: 4 },
                    all_extension_numbers_of_type: { type: 'string', id: 6 },
                    list_services: { type: 'string', id: 7 },
                  },
                },
                ServerReflectionResponse: {
                  fields: {
                    file_descriptor_response: { type: 'Files', id: 4 },
                    list_services_response: { type: 'Services', id: 6 },
                    error_response: { type: 'Refusal', id: 7 },
                  },
                },
                Files: { fields: { file_descriptor_proto: { rule: 'repeated', type: 'bytes', id: 1 } } },
                Services: { fields: { service: { rule: 'repeated', type: 'Service', id: 1 } } },
                Service: { fields: { name: { type: 'string', id: 1 } } },
                Refusal: {
                  fields: { error_code: { type: 'int32', id: 1 }, error_message: { type: 'string', id: 2 } },
                },
              },
            },
          },
        },
      },
    },
  },
});
