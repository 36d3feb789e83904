/** What both ways to reach GraphQL share: checked documents, and operations to execute them with. */
import type { RequestOrigin } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { Calls } from '../../dispatch/calls.ts';
import type { StreamContext } from '../http/response-stream.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import type { TransportContext } from '../transport.ts';
import { Documents } from './operations/documents.ts';
import { Operation } from './operations/operation.ts';
import type { RequestParams } from './operations/request-params.ts';
import type { Execution } from './operations/run-operation.ts';
import type { GraphqlOptions } from './options.ts';

export class GraphqlService {
  readonly log: TransportLog;
  readonly calls: Calls;
  readonly streams: StreamContext;
  readonly #transport: string;
  readonly #documents: Documents;
  readonly #context: TransportContext<GraphqlOptions>;

  /** @param transport its name. */
  constructor(transport: string, context: TransportContext<GraphqlOptions>) {
    const { log, calls, watch, meter, options } = context;
    this.log = log;
    this.calls = calls;
    this.streams = { watch, meter, log };
    this.#transport = transport;
    this.#context = context;
    this.#documents = new Documents({ maxCalls: options.graphqlCalls, log });
  }

  get maxBodyBytes(): number {
    return this.#context.limits.maxBodyBytes;
  }

  /** @throws {Refusal} where the document is wrong, names no operation or is too complex. */
  prepare(params: RequestParams, keyId: string, origin: RequestOrigin): Execution {
    const { calls, log } = this;
    const checked = this.#documents.check(calls.catalogOf(keyId), params);
    const { limits } = this.#context;
    const operation = new Operation({ transport: this.#transport, calls, limits, keyId, origin });
    return { checked, params, operation, log };
  }

  /** @param running operations of one connection. @throws {ToolError} overloaded */
  checkRoom(running: number): void {
    const { socketCalls } = this.#context.options;
    if (running < socketCalls) return;
    throw new ToolError(
      'overloaded',
      `this connection has ${socketCalls} operations running (SOCKET_CALLS); wait for one to complete`,
    );
  }
}
