/**
 * One client's socket: the calls that run on it, what it sends and how fast it reads.
 *
 * K1. Every call has its own pump; all of them wait when the socket's buffer is full and go on together when it has
 *     drained, so that a slow reader stops every call and no call starves another.
 * K2. Per id: `started`, events, [`error`], `complete`, and nothing after it. What belongs to no call gets one
 *     `error` with id null; ten of those in a row close the socket.
 * K3. A socket that closes leaves its calls (watched-socket.ts): they are cancelled, but for those that wait for a reader.
 * K4. An id is taken from its message on, also while it is being found out which call it is of.
 */
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { TransitMap } from '../../async/transit-map.ts';
import type { ErrorEvent } from '../../call/call-events.ts';
import {
  type CallRequest,
  type CancelReason,
  leave,
  type RequestOrigin,
  type RunningCall,
} from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import { readTrace } from '../../call/trace-context.ts';
import type { Calls } from '../../dispatch/calls.ts';
import type { GatewayRequest } from '../http/gateway-message.ts';
import type { StreamContext } from '../http/response-stream.ts';
import { WatchedSocket } from '../http/watched-socket.ts';
import { endEnvelopes, idField } from '../rendering/call-envelopes.ts';
import {
  BODY_FIELDS,
  isJsonObject,
  type JsonObject,
  type RepeatLimits,
  readCallInput,
  readIdempotencyKey,
  repeatBytesOf,
} from '../rendering/call-input.ts';
import { renderErrorObject } from '../rendering/error-rendering.ts';
import { pumpEvents } from '../rendering/event-pump.ts';
import { WebSocketCallSink } from './websocket-call.ts';
import { type ClientId, callBody, readLeftAt, readSocketMessage } from './websocket-message.ts';

const MAX_BAD_FRAMES = 10;
/** What the members of a message mean to the gateway. */
const MESSAGE_FIELDS = new Set([...BODY_FIELDS, 'event', 'id', 'idempotencyKey', 'trace']);
const ABILITIES = { elicitForm: true, elicitUrl: true, sample: true, roots: true };

export interface SocketLimits extends RepeatLimits {
  /** Calls that may run at once on one socket. */
  readonly socketCalls: number;
  /** The largest message. */
  readonly maxBodyBytes: number;
}

export interface ChannelContext extends StreamContext {
  /** The transport's name. */
  readonly transport: string;
  readonly calls: Calls;
  readonly limits: SocketLimits;
}

/** What an id stands for. */
interface OpenCall {
  /** Null while it is found out. */
  call: RunningCall | null;
  /** The client does not want it any more. */
  isCancelled: boolean;
}

export class WebSocketChannel extends WatchedSocket {
  protected override readonly logged: { readonly tool: string };
  readonly #tool: string;
  readonly #origin: RequestOrigin;
  readonly #context: ChannelContext;
  readonly #calls = new TransitMap<ClientId, OpenCall>();
  #serverIds = 0;
  #badFrames = 0;

  /** @param request the handshake. */
  constructor(ws: WebSocket, socket: Socket, request: GatewayRequest, context: ChannelContext) {
    super(ws, socket, request.keyId, context);
    this.#tool = request.params['name'] ?? '';
    this.logged = { tool: this.#tool };
    this.#origin = request.origin;
    this.#context = context;
  }

  isIdle(): boolean {
    return this.#calls.size === 0;
  }

  protected leaveAll(reason: CancelReason, message: string): void {
    for (const { call } of this.#calls.values()) if (call) leave(call, reason, message);
  }

  protected receive(data: Buffer, isBinary: boolean): void {
    try {
      const message = readSocketMessage(data, isBinary);
      if (message.event === 'call') this.#start(message.id ?? this.#newId(), message.body);
      else if (message.event === 'resume') this.#resume(message.id, message.body);
      else if (message.event === 'cancel') this.#cancel(message.id);
      else if (message.event === 'answer') this.#answer(message.id, message.ask, message.body);
      else this.reply('{"event":"pong"}');
      this.#badFrames = 0;
    } catch (thrown) {
      this.#complain(thrown);
    }
  }

  /** Answers a frame that is no call of its own. */
  #complain(thrown: unknown): void {
    const error = ToolError.from(thrown, 'internal', 'the message could not be handled');
    if (error.code === 'internal') this.#context.log('error', 'a message could not be handled', { error });
    this.reply(`{"event":"error","id":null,"error":${renderErrorObject(error)}}`);
    if (++this.#badFrames >= MAX_BAD_FRAMES) this.close(1008, 'too many bad frames in a row');
  }

  /** @throws {ToolError} duplicate_id: that frame is no call of its own. */
  #start(id: ClientId, body: JsonObject): void {
    if (!this.#isFree(id)) return;
    const { calls } = this.#context;
    try {
      const request = this.#requestFor(body);
      const { idempotencyKey } = body;
      if (idempotencyKey === undefined) return this.#serve(id, calls.call(request));
      const key = readIdempotencyKey(idempotencyKey, '"idempotencyKey"');
      this.#await(id, calls.callOnce(request, { key, body: callBody(body) }));
    } catch (thrown) {
      this.#refuse(id, this.#asToolError(thrown));
    }
  }

  /** Goes on with a call that is kept. @throws {ToolError} duplicate_id */
  #resume(id: ClientId, body: JsonObject): void {
    if (!this.#isFree(id)) return;
    try {
      this.#checkRoom();
      this.#await(id, this.#context.calls.resume({ ...readLeftAt(body), keyId: this.keyId }));
    } catch (thrown) {
      this.#refuse(id, this.#asToolError(thrown));
    }
  }

  /** False when nobody is there any more. @throws {ToolError} duplicate_id */
  #isFree(id: ClientId): boolean {
    if (!this.isOpen) return false;
    if (!this.#calls.has(id)) return true;
    throw new ToolError('duplicate_id', 'a call with this id is still running', { details: { id } });
  }

  /** Serves a call that is still to be found. */
  #await(id: ClientId, finding: Promise<RunningCall>): void {
    const open: OpenCall = { call: null, isCancelled: false };
    this.#calls.set(id, open);
    finding
      .then(
        (call) => {
          this.#serve(id, call, open);
          if (open.isCancelled) call.cancel('cancelled', 'the call was cancelled');
          if (!this.isOpen) leave(call, 'cancelled', 'the client left');
        },
        (refusal) => {
          this.#calls.delete(id);
          this.#refuse(id, this.#asToolError(refusal));
        },
      )
      .catch((thrown) => this.#complain(thrown));
  }

  #serve(id: ClientId, call: RunningCall, open: OpenCall = { call, isCancelled: false }): void {
    open.call = call;
    this.#calls.set(id, open);
    this.meter.streams++;
    let isForgotten = false;
    const forget = () => {
      if (isForgotten) return;
      isForgotten = true;
      this.meter.streams--;
      this.#calls.delete(id);
    };
    const onEnd = (isAway: boolean) => {
      forget();
      if (isAway) this.close(1012, 'the gateway is going; connect again and go on');
    };
    pumpEvents(call, new WebSocketCallSink(this.writer, id, call, onEnd)).then(forget, (error) => {
      this.#context.log('error', 'the events of a call could not be sent', { callId: call.callId, error });
      forget();
      call.cancel('cancelled', 'the events of the call could not be sent');
      this.close(1011, 'internal error');
    });
  }

  #cancel(id: ClientId): void {
    const open = this.#calls.get(id);
    if (open) open.isCancelled = true;
    open?.call?.cancel('cancelled', 'the call was cancelled');
  }

  /** @throws {ToolError} invalid_request, overloaded */
  #requestFor(body: JsonObject): CallRequest {
    const { transport, limits, calls } = this.#context;
    const input = readCallInput(body, calls.tool(this.#tool, this.keyId)?.inputSchema, MESSAGE_FIELDS);
    this.#checkRoom();
    const repeatBytes = repeatBytesOf(input, limits);
    const { trace } = body;
    return {
      name: this.#tool,
      arguments: input.arguments,
      caller: { keyId: this.keyId, transport },
      streams: true,
      repeatBytes,
      abilities: ABILITIES,
      timeoutMs: input.timeoutMs,
      origin: this.#origin,
      trace: isJsonObject(trace) ? readTrace(trace) : undefined,
      keep: { detachMs: input.detachMs, repeatBytes, comesBack: true },
    };
  }

  /** @throws {ToolError} overloaded */
  #checkRoom(): void {
    const { socketCalls } = this.#context.limits;
    if (this.#calls.size < socketCalls) return;
    throw new ToolError(
      'overloaded',
      `this socket has ${socketCalls} calls running; wait for one to complete`,
    );
  }

  #refuse(id: ClientId, error: ToolError): void {
    const end: ErrorEvent = { type: 'error', error, chunks: 0, durationMs: 0 };
    for (const text of endEnvelopes(idField(id), undefined, end)) this.reply(text);
  }

  #answer(id: ClientId, ask: number, { result, error }: JsonObject): void {
    const call = this.#calls.get(id)?.call;
    if (error === undefined) call?.answer(ask, { value: result });
    else {
      const said = isJsonObject(error) ? error['message'] : error;
      const message = typeof said === 'string' ? said : 'the client declined to answer';
      call?.answer(ask, { error: new ToolError('failed_precondition', message) });
    }
  }

  /** What a call is refused with; a defect of ours is logged. */
  #asToolError(thrown: unknown): ToolError {
    if (ToolError.is(thrown) && thrown.code !== 'internal') return thrown;
    this.#context.log('error', 'a call could not be started', { tool: this.#tool, error: thrown });
    return ToolError.from(thrown, 'internal', 'the call could not be started');
  }

  #newId(): ClientId {
    let id: string;
    do id = `srv-${++this.#serverIds}`;
    while (this.#calls.has(id));
    return id;
  }
}
