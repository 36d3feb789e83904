/** Contestant "ws in process": echo and a `send` per chunk on a plain `ws` server, waiting while the socket is full. */
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { PORT, smallChunk } from './work.mjs';

const HIGH_WATER_BYTES = 256 * 1024;
const server = createServer((_request, response) => response.end('ok'));

new WebSocketServer({ server }).on('connection', (socket) => {
  socket.on('message', async (data) => {
    const { id, arguments: args } = JSON.parse(data.toString());
    for (let index = 0; index < (args.count ?? 0); index += 1) {
      const frame = JSON.stringify({ event: 'chunk', id, index, data: smallChunk(index) });
      if (socket.bufferedAmount < HIGH_WATER_BYTES) socket.send(frame);
      else await new Promise((sent) => socket.send(frame, sent));
    }
    socket.send(JSON.stringify({ event: 'complete', id, status: 'success', data: { text: args.text } }));
  });
});

server.listen(PORT, '127.0.0.1');
