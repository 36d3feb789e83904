/** A client of WebSocket for the shared transport suite: one socket per tool, several calls on each. */
import { WebSocket } from 'ws';
import { envelopeTeller } from './http-clients.ts';
import { KEY } from './start-transports.ts';
import { ClientCall, type ClientCallOptions, type Connect } from './transport-client.ts';

class SocketCall extends ClientCall {
  readonly #id: number;
  readonly #ws: WebSocket;

  constructor(id: number, ws: WebSocket, message: object) {
    super();
    this.#id = id;
    this.#ws = ws;
    const send = () => ws.send(JSON.stringify({ id, ...message }));
    if (ws.readyState === ws.OPEN) send();
    else ws.once('open', send);
    const tell = envelopeTeller(this);
    ws.on('message', (data) => {
      const { id: of, ...envelope } = JSON.parse(String(data));
      if (of === id) tell(envelope);
    });
    ws.on('close', () => this.close());
  }

  cancel(): void {
    this.#ws.send(JSON.stringify({ event: 'cancel', id: this.#id }));
  }

  leave(): void {
    this.#ws.terminate();
  }

  pause(): void {
    this.#ws.pause();
  }

  resume(): void {
    this.#ws.resume();
  }
}

export const connectWebSocket: Connect = async ({ url }) => {
  const sockets = new Map<string, WebSocket>();
  let ids = 0;
  const socketOf = (tool: string): WebSocket => {
    const known = sockets.get(tool);
    if (known && known.readyState <= known.OPEN) return known;
    const ws = new WebSocket(`${url.replace('http', 'ws')}/ws/tools/${tool}`, {
      headers: KEY,
      perMessageDeflate: false,
    });
    ws.setMaxListeners(100);
    ws.on('error', () => {});
    sockets.set(tool, ws);
    return ws;
  };
  return {
    call: (tool: string, args: object = {}, options: ClientCallOptions = {}) =>
      new SocketCall(++ids, socketOf(tool), { arguments: args, ...options }),
    async close() {
      for (const ws of sockets.values()) ws.terminate();
    },
  };
};
