/**
 * One client's socket in `graphql-transport-ws`: its operations, each told by results and one end.
 *
 * K1. Nothing is executed before the client has introduced itself, and it does so within a while; its key was checked at
 *     the handshake.
 * K2. Per id: results, then `complete`; or `error` alone, for what was not executed. Nothing after the client's own
 *     `complete`, which cancels what runs.
 * K3. All operations wait when the reader is behind, and go on together when it has caught up.
 * K4. What the protocol does not know closes the socket, with the protocol's own codes.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { CancelReason, RequestOrigin } from '../../../call/running-call.ts';
import { ToolError } from '../../../call/tool-error.ts';
import type { GatewayRequest } from '../../http/gateway-message.ts';
import { WatchedSocket } from '../../http/watched-socket.ts';
import type { GraphqlService } from '../graphql-service.ts';
import { graphqlError, Refusal } from '../operations/graphql-error.ts';
import type { Operation } from '../operations/operation.ts';
import { readParams } from '../operations/request-params.ts';
import { type Execution, runOperation } from '../operations/run-operation.ts';
import { readSocketMessage } from './socket-message.ts';

/** How long a client may take to introduce itself, in milliseconds. */
const INIT_MS = 10_000;

export class GraphqlSocket extends WatchedSocket {
  readonly #origin: RequestOrigin;
  readonly #service: GraphqlService;
  readonly #operations = new Map<string, Operation>();
  readonly #introduction: NodeJS.Timeout;
  #isIntroduced = false;

  /** @param request the handshake. */
  constructor(ws: WebSocket, socket: Socket, request: GatewayRequest, service: GraphqlService) {
    super(ws, socket, request.keyId, service.streams);
    this.#origin = request.origin;
    this.#service = service;
    this.#introduction = setTimeout(() => this.close(4408, 'Connection initialisation timeout'), INIT_MS);
  }

  isIdle(): boolean {
    return this.#operations.size === 0;
  }

  protected leaveAll(reason: CancelReason, message: string): void {
    clearTimeout(this.#introduction);
    for (const operation of this.#operations.values()) operation.cancel(reason, message);
  }

  protected receive(data: Buffer, isBinary: boolean): void {
    if (!this.isOpen) return; // what was on its way when the socket was closed
    try {
      const message = readSocketMessage(data, isBinary);
      if (message.type === 'connection_init') this.#introduce();
      else if (message.type === 'subscribe') this.#subscribe(message.id, message.payload);
      else if (message.type === 'complete') this.#complete(message.id);
      else if (message.type === 'ping') this.reply('{"type":"pong"}');
    } catch (thrown) {
      const error = ToolError.from(thrown, 'internal', 'the message could not be handled');
      const isOurs = error.code === 'internal';
      if (isOurs) this.#service.log('error', error.message, { error: thrown });
      this.close(isOurs ? 1011 : 4400, error.message);
    }
  }

  #introduce(): void {
    if (this.#isIntroduced) return this.close(4429, 'Too many initialisation requests');
    this.#isIntroduced = true;
    clearTimeout(this.#introduction);
    this.reply('{"type":"connection_ack"}');
  }

  #subscribe(id: string, payload: unknown): void {
    if (!this.#isIntroduced) return this.close(4401, 'Unauthorized');
    if (this.#operations.has(id)) return this.close(4409, `Subscriber for ${id} already exists`);
    const idText = JSON.stringify(id);
    let execution: Execution;
    try {
      this.#service.checkRoom(this.#operations.size);
      execution = this.#service.prepare(readParams(payload), this.keyId, this.#origin);
    } catch (thrown) {
      return this.reply(
        `{"id":${idText},"type":"error","payload":${JSON.stringify(this.#errorsOf(thrown))}}`,
      );
    }
    this.#operations.set(id, execution.operation);
    this.#run(id, idText, execution).catch((error) => {
      this.#service.log('error', 'the results of an operation could not be sent', { error });
      this.close(1011, 'internal error');
    });
  }

  async #run(id: string, idText: string, execution: Execution): Promise<void> {
    const { operation } = execution;
    const { meter } = this.#service.streams;
    const isWanted = () => this.#operations.get(id) === operation;
    meter.streams++;
    try {
      await runOperation(execution, {
        next: async (result) => {
          if (isWanted()) this.writer.send(`{"id":${idText},"type":"next","payload":${result}}`);
          await this.writer.ready();
        },
      });
      if (isWanted()) this.writer.send(`{"id":${idText},"type":"complete"}`);
    } finally {
      meter.streams--;
      if (isWanted()) this.#operations.delete(id);
    }
  }

  #complete(id: string): void {
    const operation = this.#operations.get(id);
    this.#operations.delete(id);
    operation?.cancel('cancelled', 'the client ended the operation');
  }

  #errorsOf(thrown: unknown): Refusal['errors'] {
    if (thrown instanceof Refusal) return thrown.errors;
    const error = ToolError.from(thrown, 'internal', 'the operation could not be executed');
    if (error.code === 'internal') this.#service.log('error', error.message, { error: thrown });
    return [graphqlError(error)];
  }
}
