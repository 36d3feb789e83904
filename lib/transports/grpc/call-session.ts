/**
 * CallSession: several calls on one stream, and what its client sends meanwhile.
 *
 * K1. Every call has its own pump; all of them wait while the client is behind, and go on together.
 * K2. Per id: started, events, then one result or error, and nothing after it. What belongs to no call gets an error with
 *     an empty id; ten of those in a row end the stream.
 * K3. A client that leaves leaves its calls: they are cancelled, but for those that wait for a reader. One that
 *     half-closes is done with asking and answering: what tools ask from then on fails at once, and it gets the ends of
 *     its calls.
 * K4. An id is taken from its message on, also while it is being found out which call it is of.
 */
import { leave, type RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import { parseJsonText } from '../rendering/bounded-json.ts';
import { pumpEvents } from '../rendering/event-pump.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import { type CallContext, startCall } from './call-request.ts';
import { CallEventSink } from './call-streams.ts';
import type { Exchange } from './exchange.ts';
import { type CallMessage, errorEvent, readSessionMessage, sessionEvent } from './messages.ts';

const MAX_BAD_MESSAGES = 10;
/** Calls at once in one session. */
const MAX_CALLS = 32;
/** Errors that belong to no call and may wait for a reader that takes nothing. */
const MAX_REPLIES_BEHIND = 1000;
const ABILITIES = { elicitForm: true, elicitUrl: true, sample: true, roots: true };

export interface SessionContext extends CallContext {
  readonly log: TransportLog;
}

/** What an id stands for. */
interface OpenCall {
  /** Null while it is found out. */
  call: RunningCall | null;
  /** The client does not want it any more. */
  isCancelled: boolean;
  /** What its tool has asked, and the client has not answered. */
  readonly asks: Set<number>;
}

const newCall = (call: RunningCall | null): OpenCall => ({ call, isCancelled: false, asks: new Set() });

export function serveSession(exchange: Exchange, context: SessionContext): void {
  const session = new CallSession(exchange, context);
  exchange.endAtDeadline(() => session.leave('deadline_exceeded', 'the deadline of the session is over'));
  exchange.watchReader();
  exchange.owesEvents = () => session.hasCalls;
  exchange.onLeft = () => session.leave('cancelled', 'the client left');
  exchange.onStall = () => session.leave('slow_consumer', 'the reader made no progress for too long');
  exchange.receive({
    message: (message) => session.take(message),
    halfClosed: () => session.halfClosed(),
  });
}

class CallSession {
  readonly #exchange: Exchange;
  readonly #context: SessionContext;
  readonly #calls = new Map<string, OpenCall>();
  #badMessages = 0;
  #repliesBehind = 0;
  #isHalfClosed = false;

  constructor(exchange: Exchange, context: SessionContext) {
    this.#exchange = exchange;
    this.#context = context;
  }

  get hasCalls(): boolean {
    return this.#calls.size > 0;
  }

  take(message: Buffer): void {
    try {
      const said = readSessionMessage(message);
      if (said.type === 'call') this.#start(said.id, said.call);
      else if (said.type === 'cancel') this.#cancel(said.id);
      else this.#answer(said.id, said.ask, said);
      this.#badMessages = 0;
    } catch (thrown) {
      this.#complain(thrown);
    }
  }

  halfClosed(): void {
    this.#isHalfClosed = true;
    for (const open of this.#calls.values()) this.#refuseAsks(open);
    this.#endIfDone();
  }

  leave(reason: 'cancelled' | 'slow_consumer' | 'deadline_exceeded', message: string): void {
    for (const { call } of this.#calls.values()) if (call) leave(call, reason, message);
  }

  /** Answers a message that is no call of its own. */
  #complain(thrown: unknown): void {
    const error = this.#asToolError(thrown);
    if (++this.#badMessages >= MAX_BAD_MESSAGES) {
      this.leave('cancelled', 'the client sent too many bad messages');
      return this.#exchange.fail(error);
    }
    this.#reply('', error);
  }

  /** Sends what no call's back-pressure holds back, to clients that read it. */
  #reply(id: string, error: ToolError): void {
    if (!this.#exchange.ready()) this.#repliesBehind = 0;
    else if (++this.#repliesBehind > MAX_REPLIES_BEHIND) {
      this.#exchange.meter.slowConsumers++;
      return this.#exchange.stall();
    }
    this.#exchange.send(sessionEvent(id, errorEvent(error, undefined)));
  }

  /** @throws {ToolError} duplicate_id: that message is no call of its own. */
  #start(id: string, message: CallMessage): void {
    if (this.#calls.has(id))
      throw new ToolError('duplicate_id', 'a call with this id is still running', { details: { id } });
    if (this.#calls.size >= MAX_CALLS) {
      const text = `this session has ${MAX_CALLS} calls running; wait for one to end`;
      return this.#reply(id, new ToolError('overloaded', text));
    }
    try {
      const wishes = { streams: true, abilities: ABILITIES };
      const started = startCall(message, this.#exchange, this.#context, wishes);
      if (started instanceof Promise) this.#await(id, message, started);
      else this.#serve(id, message, started, newCall(started));
    } catch (thrown) {
      this.#reply(id, this.#asToolError(thrown));
    }
  }

  /** Serves a call that is still to be found. */
  #await(id: string, message: CallMessage, finding: Promise<RunningCall>): void {
    const open = newCall(null);
    this.#calls.set(id, open);
    finding.then(
      (call) => {
        this.#serve(id, message, call, open);
        if (open.isCancelled) call.cancel('cancelled', 'the call was cancelled');
        if (!this.#exchange.isOpen) leave(call, 'cancelled', 'the client left');
      },
      (thrown) => {
        this.#forget(id);
        this.#reply(id, this.#asToolError(thrown));
        this.#endIfDone();
      },
    );
  }

  #serve(id: string, message: CallMessage, call: RunningCall, open: OpenCall): void {
    open.call = call;
    this.#calls.set(id, open);
    this.#exchange.meter.streams++;
    const forget = () => {
      if (this.#forget(id)) this.#exchange.meter.streams--;
    };
    const outlet = {
      send: (event: Buffer) => this.#exchange.send(sessionEvent(id, event)),
      ready: () => this.#exchange.ready(),
      asked: (ask: number) => {
        open.asks.add(ask);
        if (this.#isHalfClosed) this.#refuseAsks(open);
      },
      ended: (error: ToolError | undefined, seq: number | undefined) => {
        if (error) outlet.send(errorEvent(error, call.callId, seq));
        forget();
        this.#endIfDone();
      },
    };
    pumpEvents(call, new CallEventSink(call, outlet, message)).then(forget, (error: unknown) => {
      this.#context.log('error', 'the events of a call could not be sent', { callId: call.callId, error });
      forget();
      call.cancel('cancelled', 'the events of the call could not be sent');
      this.#exchange.fail(new ToolError('internal', 'the events of a call could not be sent'));
    });
  }

  #forget(id: string): boolean {
    return this.#calls.delete(id);
  }

  #endIfDone(): void {
    if (this.#isHalfClosed && this.#calls.size === 0) this.#exchange.succeed();
  }

  #cancel(id: string): void {
    const open = this.#calls.get(id);
    if (open) open.isCancelled = true;
    open?.call?.cancel('cancelled', 'the call was cancelled');
  }

  /** @throws {ToolError} parse_error, for a result that is no JSON. */
  #answer(id: string, ask: number, outcome: { readonly result: string } | { readonly error: string }): void {
    const open = this.#calls.get(id);
    if (!open?.asks.has(ask)) return;
    const answer =
      'result' in outcome
        ? { value: parseJsonText(outcome.result) }
        : { error: new ToolError('failed_precondition', outcome.error) };
    open.asks.delete(ask);
    open.call?.answer(ask, answer);
  }

  /** Nobody can answer any more what the tool has asked. */
  #refuseAsks({ call, asks }: OpenCall): void {
    const error = new ToolError(
      'failed_precondition',
      'the client has half-closed the session: it cannot answer',
    );
    for (const ask of asks) call?.answer(ask, { error });
    asks.clear();
  }

  /** What a call is refused with; a defect of ours is logged. */
  #asToolError(thrown: unknown): ToolError {
    if (ToolError.is(thrown) && thrown.code !== 'internal') return thrown;
    this.#context.log('error', 'a message could not be handled', { error: thrown });
    return ToolError.from(thrown, 'internal', 'the message could not be handled');
  }
}
