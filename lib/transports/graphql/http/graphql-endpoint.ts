/**
 * `/graphql` over HTTP: queries and mutations answered as GraphQL over HTTP has it, all of them streamed as graphql-sse
 * has it, in both of its modes.
 *
 * E1. Host, Origin and key were checked before. What is refused here is told as errors of GraphQL, in the form that the
 *     client asks for; what is too large is a problem document, as everywhere.
 * E2. GET runs queries alone, which make no calls: no link and no page elsewhere can start one.
 * E3. The client that leaves cancels what its operation runs.
 */
import { OperationTypeNode } from 'graphql';
import { ToolError } from '../../../call/tool-error.ts';
import { onceClosed } from '../../http/departure.ts';
import type { GatewayRequest, GatewayResponse } from '../../http/gateway-message.ts';
import { negotiate } from '../../http/negotiation.ts';
import { readJsonBody, requireJson } from '../../http/request-body.ts';
import { commonHeaders, problemHeaders, respond } from '../../http/response.ts';
import { respondWatched } from '../../http/watched-answer.ts';
import { rateLimitHeaders } from '../../rendering/rate-limit-headers.ts';
import type { GraphqlService } from '../graphql-service.ts';
import { Refusal } from '../operations/graphql-error.ts';
import type { Operation } from '../operations/operation.ts';
import { type RequestParams, readParams, readQueryString } from '../operations/request-params.ts';
import { type Execution, executeOnce, runOperation } from '../operations/run-operation.ts';
import { resultText } from '../schema/json-text.ts';
import { EventStream } from './event-stream.ts';
import { type Reservation, Reservations } from './reservations.ts';

const JSON_FORMAT = { mediaType: 'application/json' };
/** Tells by its status whether the request was executed; in the other form that is 200 all the same. */
const RESPONSE_FORMAT = { mediaType: 'application/graphql-response+json' };
const STREAM_FORMAT = { mediaType: 'text/event-stream' };
type Format = typeof JSON_FORMAT;

const TOKEN_HEADER = 'x-graphql-event-stream-token';
const ALLOWED = 'GET, HEAD, POST, PUT, DELETE';

export class GraphqlEndpoint {
  readonly #service: GraphqlService;
  readonly #reservations = new Reservations();

  constructor(service: GraphqlService) {
    this.#service = service;
  }

  /** @throws {ToolError} payload_too_large */
  async handle(request: GatewayRequest, response: GatewayResponse): Promise<void> {
    try {
      await this.#route(request, response, new URL(request.url ?? '/', 'http://gateway').searchParams);
    } catch (thrown) {
      if (ToolError.is(thrown) && thrown.code === 'payload_too_large') throw thrown;
      this.#refuse(request, response, thrown);
    }
  }

  /** Ends the streams that were reserved. @param keyIds of which keys; undefined: all. */
  endStreams(message: string, keyIds?: ReadonlySet<string>): void {
    this.#reservations.endAll(message, keyIds);
  }

  async #route(request: GatewayRequest, response: GatewayResponse, search: URLSearchParams): Promise<void> {
    const { method, keyId } = request;
    const header = request.headers[TOKEN_HEADER];
    const token = typeof header === 'string' ? header : (search.get('token') ?? undefined);
    const reservation = token === undefined ? undefined : this.#reservations.find(token, keyId);
    if (method === 'PUT') return this.#reserve(request, response);
    if (method === 'DELETE') return stop(request, response, reservation, search.get('operationId'));
    if (method === 'POST') {
      const body = await this.#readBody(request, response);
      if (reservation) return this.#accept(request, response, reservation, body);
      return this.#execute(request, response, readParams(body));
    }
    if (method !== 'GET' && method !== 'HEAD') {
      throw new ToolError('method_not_allowed', `${method} is not allowed here; use ${ALLOWED}`);
    }
    if (reservation) return this.#connect(request, response, reservation);
    return this.#execute(request, response, readQueryString(search));
  }

  async #readBody(request: GatewayRequest, response: GatewayResponse): Promise<unknown> {
    requireJson(request);
    return readJsonBody(request, response, this.#service.maxBodyBytes);
  }

  /** @throws {ToolError | Refusal} before anything of it is executed. */
  #prepare(request: GatewayRequest, params: RequestParams): Execution {
    const execution = this.#service.prepare(params, request.keyId, request.origin);
    const { kind } = execution.checked;
    if (kind === OperationTypeNode.QUERY) return execution;
    if (request.method !== 'POST') {
      throw new ToolError('method_not_allowed', `a ${kind} is sent by POST; GET is for queries`);
    }
    if (request.headers['idempotency-key'] !== undefined) {
      const message = 'Idempotency-Key is not kept over GraphQL; leave it out, or use POST /tools/{name}';
      throw new ToolError('invalid_request', message);
    }
    return execution;
  }

  async #execute(request: GatewayRequest, response: GatewayResponse, params: RequestParams): Promise<void> {
    const execution = this.#prepare(request, params);
    const isStreamed = execution.checked.kind === OperationTypeNode.SUBSCRIPTION;
    const format = isStreamed
      ? negotiate(request.headers.accept, [STREAM_FORMAT])
      : chosenFormat(request.headers.accept);
    if (!format) {
      const types = isStreamed ? 'a subscription is' : 'this answers with application/json, or is';
      throw new ToolError('not_acceptable', `${types} streamed as text/event-stream; ask for it in Accept`);
    }
    if (response.destroyed) return;
    if (format === STREAM_FORMAT) return this.#stream(request, response, execution);
    const { operation } = execution;
    onceClosed(request, response, (hasLeft) => {
      if (hasLeft) operation.cancel('cancelled', 'the client left');
    });
    const { text, isExecuted } = await executeOnce(execution);
    this.#headersOf(request, operation);
    const status = isExecuted || format === JSON_FORMAT ? 200 : 400;
    const callId = operation.callId === undefined ? [] : ['X-Call-Id', operation.callId];
    respondWatched(
      request,
      response,
      this.#service.streams,
      status,
      typeOf(format),
      text,
      ...callId,
      'Vary',
      'Accept',
    );
  }

  async #stream(request: GatewayRequest, response: GatewayResponse, execution: Execution): Promise<void> {
    const { operation } = execution;
    const stream = new EventStream(request, response, operation, this.#service.streams);
    try {
      await runOperation(execution, {
        next: (result) => {
          this.#headersOf(request, operation);
          return stream.send('next', result);
        },
      });
      await stream.send('complete', '');
      stream.end();
    } catch (error) {
      stream.fail(error);
    }
  }

  /** What is left of the rate limits, in the head of the answer. */
  #headersOf(request: GatewayRequest, { call }: Operation): void {
    if (call)
      request.callHeaders = rateLimitHeaders(this.#service.calls.quotasOf(request.keyId, call.request.name));
  }

  /** @throws {ToolError} overloaded; unavailable while the gateway closes. */
  #reserve(request: GatewayRequest, response: GatewayResponse): void {
    const { drainRefusal } = this.#service.calls;
    if (drainRefusal) throw drainRefusal;
    const { token } = this.#reservations.make(request.keyId);
    respond(request, response, 201, 'text/plain; charset=utf-8', token);
  }

  /** @throws {ToolError} conflict, not_acceptable */
  #connect(request: GatewayRequest, response: GatewayResponse, reservation: Reservation): void {
    if (!negotiate(request.headers.accept, [STREAM_FORMAT])) {
      throw new ToolError('not_acceptable', 'this answers with text/event-stream; ask for it in Accept');
    }
    if (reservation.isUsed) throw new ToolError('conflict', 'the reserved stream is open already');
    if (request.method === 'HEAD') {
      response.writeHead(200, [...commonHeaders(request), 'Content-Type', STREAM_FORMAT.mediaType]).end();
      return;
    }
    const over = () => this.#reservations.end(reservation, 'the client left');
    const stream = new EventStream(request, response, { cancel: over }, this.#service.streams, over);
    reservation.connect(stream);
    stream.begin();
  }

  /** Starts an operation whose results go to a reserved stream. @throws {ToolError | Refusal} */
  #accept(request: GatewayRequest, response: GatewayResponse, reservation: Reservation, body: unknown): void {
    const params = readParams(body);
    const id = params.extensions?.['operationId'];
    if (typeof id !== 'string' || id === '' || id.length > 128) {
      throw new ToolError(
        'invalid_request',
        '"extensions.operationId" must be a string of 1 to 128 characters',
      );
    }
    const { operations } = reservation;
    if (operations.has(id)) {
      throw new ToolError('duplicate_id', 'an operation with this id is still running', { details: { id } });
    }
    this.#service.checkRoom(operations.size);
    const execution = this.#prepare(request, params);
    if (response.destroyed) return;
    operations.set(id, execution.operation);
    this.#feed(execution, reservation, id).catch((error) => {
      this.#service.log('error', 'the results of an operation could not be sent', { error });
      this.#reservations.end(reservation, 'the stream failed');
    });
    response.writeHead(202, [...commonHeaders(request), 'Content-Length', '0']).end();
  }

  async #feed(execution: Execution, { connected, operations }: Reservation, id: string): Promise<void> {
    const { operation } = execution;
    const idText = JSON.stringify(id);
    const isWanted = () => operations.get(id) === operation;
    const send = async (event: 'next' | 'complete', data: string) => {
      const stream = await connected;
      if (isWanted()) await stream?.send(event, data);
    };
    await runOperation(execution, { next: (result) => send('next', `{"id":${idText},"payload":${result}}`) });
    await send('complete', `{"id":${idText}}`);
    if (isWanted()) operations.delete(id);
  }

  #refuse(request: GatewayRequest, response: GatewayResponse, thrown: unknown): void {
    const { log } = this.#service;
    const refusal = thrown instanceof Refusal ? thrown : Refusal.of(asToolError(thrown, log));
    const { errors, isOfGraphql, status } = refusal;
    const format = chosenFormat(request.headers.accept) ?? JSON_FORMAT;
    const text = resultText(undefined, errors);
    if (format === STREAM_FORMAT && isOfGraphql && !response.headersSent) {
      const stream = new EventStream(request, response, { cancel() {} }, this.#service.streams);
      stream
        .send('next', text)
        .then(() => stream.send('complete', ''))
        .then(() => stream.end())
        .catch((error) => stream.fail(error));
      return;
    }
    const told = isOfGraphql && format === JSON_FORMAT ? 200 : status;
    const type = typeOf(format === STREAM_FORMAT ? JSON_FORMAT : format);
    const code = String(errors[0]?.extensions['code']);
    request.onRefused?.(request, code, told, refusal.message);
    respond(request, response, told, type, text, ...refusalHeaders(thrown), 'Vary', 'Accept');
  }
}

/** @throws {ToolError} not_found, where no token names a stream. */
function stop(
  request: GatewayRequest,
  response: GatewayResponse,
  reservation: Reservation | undefined,
  id: string | null,
): void {
  if (!reservation)
    throw new ToolError('not_found', 'DELETE ends an operation of a reserved stream; send its token');
  const operation = reservation.operations.get(id ?? '');
  reservation.operations.delete(id ?? '');
  operation?.cancel('cancelled', 'the client ended the operation');
  response.writeHead(200, [...commonHeaders(request), 'Content-Length', '0']).end();
}

/** What a client likes best; undefined where it takes none of it. */
function chosenFormat(accept: string | undefined): Format | undefined {
  const isNamed = accept?.toLowerCase().includes(RESPONSE_FORMAT.mediaType);
  return isNamed
    ? negotiate(accept, [RESPONSE_FORMAT, JSON_FORMAT, STREAM_FORMAT])
    : negotiate(accept, [JSON_FORMAT, RESPONSE_FORMAT, STREAM_FORMAT]);
}

const typeOf = ({ mediaType }: Format): string => `${mediaType}; charset=utf-8`;

function asToolError(thrown: unknown, log: GraphqlService['log']): ToolError {
  const error = ToolError.from(thrown, 'internal', 'the operation could not be executed');
  if (error.code === 'internal') log('error', error.message, { error: thrown });
  return error;
}

function refusalHeaders(thrown: unknown): string[] {
  if (!ToolError.is(thrown)) return [];
  return thrown.code === 'method_not_allowed' ? ['Allow', ALLOWED] : problemHeaders(thrown);
}
