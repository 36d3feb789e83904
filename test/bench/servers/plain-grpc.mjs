/**
 * Contestant "grpc-js in process": the same service, with the tool as a function in the server's process: unary echo, and a
 * message a chunk, waiting while the stream is full. HTTP/1.1 on the same port answers the one question of the start.
 */
import { createServer } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, Server, ServerCredentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { PORT, smallChunk } from './work.mjs';

const proto = fileURLToPath(new URL('../../../lib/transports/grpc/mcp_gateway.proto', import.meta.url));
const { mcp } = loadPackageDefinition(
  loadSync(proto, { keepCase: true, longs: Number, defaults: true, oneofs: true }),
);

const server = new Server();
server.addService(mcp.gateway.v1.McpGateway.service, {
  Call: ({ request }, answer) => {
    const { text } = JSON.parse(request.arguments);
    answer(null, { call_id: 'none', json: JSON.stringify({ text }) });
  },
  CallStream: async (call) => {
    const { count } = JSON.parse(call.request.arguments);
    for (let index = 0; index < count; index += 1) {
      const isTaken = call.write({ chunks: { index, json: [JSON.stringify(smallChunk(index))] } });
      if (!isTaken) await new Promise((drained) => call.once('drain', drained));
    }
    call.end();
  },
});
const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
const http = createServer((_request, response) => response.end('ok'));
createSocketServer((socket) => {
  socket.once('data', (bytes) => {
    socket.pause();
    socket.unshift(bytes);
    if (bytes.toString('latin1', 0, 3) === 'PRI') return injector.injectConnection(socket);
    http.emit('connection', socket);
    socket.resume();
  });
  socket.on('error', () => socket.destroy());
}).listen(PORT, '127.0.0.1');
