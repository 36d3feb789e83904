/** Connections that are opened and then idle: each function gives one that closes them all. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { KEY } from './contestants.mjs';
import { mcp2025Request, TEXT } from './requests.mjs';

const AT_ONCE = 50;
const OPEN_LIMIT_MS = 20_000;

/** A socket that has sent its request and read an answer that `isOpen` knows. */
function openSocket(port, request, isOpen) {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('a connection did not open')), OPEN_LIMIT_MS);
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (!isOpen.test(text)) return;
      clearTimeout(timer);
      resolve(socket);
    });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`a connection was closed: ${text.slice(0, 200)}`)));
  });
}

async function inTurns(count, openOne) {
  const opened = [];
  while (opened.length < count)
    opened.push(
      ...(await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - opened.length) }, openOne))),
    );
  return opened;
}

const closing = (sockets) => () => {
  for (const socket of sockets) socket.destroy();
};

/** SSE streams that have had their first chunk. */
export async function openStreams(port, request, count) {
  const head = Object.entries(request.headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const bytes = `POST ${request.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ${request.body.length}\r\n${head.join('')}\r\n${request.body}`;
  return closing(await inTurns(count, () => openSocket(port, bytes, /event: ?chunk/)));
}

/** WebSockets on which nothing was said yet. */
export async function openWebSockets({ port }, count) {
  const upgrade = [
    'GET /ws/tools/echo HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `X-API-Key: ${KEY}`,
  ];
  const bytes = () =>
    `${[...upgrade, `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`].join('\r\n')}\r\n\r\n`;
  return closing(await inTurns(count, () => openSocket(port, bytes(), /^HTTP\/1\.1 101 [\s\S]*\r\n\r\n/)));
}

/** MCP sessions, each opened by a client of its own; they are ended by DELETE. */
export async function openSessions(contestant, count) {
  const requests = await inTurns(count, () => mcp2025Request(contestant, 'echo', { text: TEXT }));
  if (requests.some(({ headers }) => headers['Mcp-Session-Id'] === undefined))
    throw new Error('it has no sessions');
  return () =>
    Promise.all(
      requests.map(({ headers }) =>
        fetch(`${contestant.url}/mcp`, { method: 'DELETE', headers }).then((answer) => answer.arrayBuffer()),
      ),
    );
}
