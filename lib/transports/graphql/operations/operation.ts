/**
 * One operation of a client while it is executed: the calls that it makes, and their end when the client does not want
 * it any more. It is the context of all resolvers.
 *
 * O1. A call of a mutation is made for its end alone; one of a subscription for its events, one at a time.
 * O2. Once cancelled, an operation cancels what it makes.
 */
import type { ResultEvent, ToolEvent } from '../../../call/call-events.ts';
import type { CallRequest, CancelReason, RequestOrigin, RunningCall } from '../../../call/running-call.ts';
import { ToolError } from '../../../call/tool-error.ts';
import type { Calls } from '../../../dispatch/calls.ts';
import { readCallInput, repeatBytesOf } from '../../rendering/call-input.ts';
import type { TransportLimits } from '../../transport.ts';
import { graphqlError } from './graphql-error.ts';

/** Who asks, and with what. */
export interface OperationContext {
  /** The transport's name. */
  readonly transport: string;
  readonly calls: Calls;
  readonly limits: TransportLimits;
  readonly keyId: string;
  readonly origin: RequestOrigin;
}

/** A call as a field asks for it; what is null is as absent. */
export interface FieldCall {
  readonly tool: string;
  readonly arguments?: unknown;
  readonly timeoutMs?: number | null;
  readonly result?: 'none' | 'full' | null;
}

export type ToldEvent = Exclude<ToolEvent, { readonly type: 'log' | 'ask' }>;

/** An event with the call that it is of. */
export interface CallEvent {
  readonly call: RunningCall;
  readonly event: ToldEvent;
}

export interface FinishedCall {
  readonly callId: string;
  readonly end: ResultEvent;
}

export class Operation {
  readonly #context: OperationContext;
  readonly #running = new Set<RunningCall>();
  #made = 0;
  #last: RunningCall | undefined;
  #cancelled: { readonly reason: CancelReason; readonly message: string } | undefined;

  constructor(context: OperationContext) {
    this.#context = context;
  }

  /** The one call that it has made; undefined while there is none, and where there are several. */
  get call(): RunningCall | undefined {
    return this.#made === 1 ? this.#last : undefined;
  }

  get callId(): string | undefined {
    return this.call?.callId;
  }

  /** Runs a tool to its end. @throws {GraphQLError} of the call's error. */
  run(field: FieldCall): Promise<FinishedCall> {
    const call = this.#make(field, false);
    return new Promise((resolve, reject) => {
      call.onEnd((end) => {
        if (end.type === 'error') reject(graphqlError(end.error, call.callId));
        else resolve({ callId: call.callId, end });
      });
    });
  }

  /** The events of a tool's run; the call is made at once. @throws {GraphQLError} where it cannot be. */
  stream(field: FieldCall): AsyncIterable<CallEvent> {
    return eventsOf(this.#make(field, true));
  }

  cancel(reason: CancelReason, message: string): void {
    this.#cancelled ??= { reason, message };
    for (const call of this.#running) call.cancel(reason, message);
  }

  #make(field: FieldCall, streams: boolean): RunningCall {
    const { transport, calls, keyId } = this.#context;
    const call = calls.call({ ...this.#request(field, streams), caller: { keyId, transport } });
    this.#made++;
    this.#last = call;
    this.#running.add(call);
    call.onEnd(() => this.#running.delete(call));
    if (this.#cancelled) call.cancel(this.#cancelled.reason, this.#cancelled.message);
    return call;
  }

  /** @throws {GraphQLError} invalid_request */
  #request(field: FieldCall, streams: boolean): Omit<CallRequest, 'caller'> {
    const { limits, origin } = this.#context;
    try {
      const input = readCallInput({
        arguments: field.arguments ?? {},
        timeoutMs: field.timeoutMs ?? undefined,
        result: field.result ?? undefined,
      });
      return {
        name: field.tool,
        arguments: input.arguments,
        timeoutMs: input.timeoutMs,
        streams,
        repeatBytes: streams ? repeatBytesOf(input, limits) : limits.maxResultBytes,
        origin,
      };
    } catch (thrown) {
      throw graphqlError(ToolError.from(thrown, 'internal', 'the call could not be made'));
    }
  }
}

async function* eventsOf(call: RunningCall): AsyncGenerator<CallEvent> {
  for await (const event of call) if (event.type !== 'log' && event.type !== 'ask') yield { call, event };
}
