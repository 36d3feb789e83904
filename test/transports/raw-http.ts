/** One raw exchange over a socket, for requests that no client library would send. */
import { connect } from 'node:net';

/** Sends `text` and gives everything that came back until the server closed, or `isEnough` says so. */
export function rawExchange(
  port: number,
  text: string,
  isEnough: (received: string) => boolean = (received) => received.includes('\r\n\r\n'),
): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      received += part;
      if (isEnough(received)) socket.destroy();
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
}
