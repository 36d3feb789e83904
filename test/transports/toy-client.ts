/** A client of the toy transport for the shared transport suite: a connection a call. */
import { connect, type Socket } from 'node:net';
import { messageBytes, messageReader, type ToyTransport } from '../fixtures/toy-transport.ts';
import { envelopeTeller } from './http-clients.ts';
import { ClientCall, type ClientCallOptions, type Connect } from './transport-client.ts';

class ToyCall extends ClientCall {
  readonly #socket: Socket;

  constructor(port: number, message: object) {
    super();
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', messageReader(envelopeTeller(this)));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => this.close());
    this.#send(message);
  }

  #send(message: object): void {
    this.#socket.write(messageBytes(JSON.stringify(message)));
  }

  cancel(): void {
    this.#send({ cancel: true });
  }

  leave(): void {
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}

export const connectToy =
  (toy: ToyTransport, key = 'super-secret'): Connect =>
  async () => {
    const calls: ToyCall[] = [];
    return {
      call(tool: string, args: object = {}, options: ClientCallOptions = {}) {
        const call = new ToyCall(toy.port, { key, tool, arguments: args, ...options });
        calls.push(call);
        return call;
      },
      async close() {
        for (const call of calls) call.leave();
      },
    };
  };
