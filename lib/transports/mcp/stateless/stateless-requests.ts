/**
 * The stateless era, 2026-07-28: each request stands alone, over HTTP or stdio.
 *
 * M1. A tool that asks its client suspends its call: the response is `input_required`, and the retry takes the call
 *     up where it waits. Answers that come with a first request are used as the questions arise.
 * M2. Nothing is asked that the client did not declare.
 *
 * Why not the SDK's own server for this era: it builds a server and parses every message with zod per request, which
 * was measured at 1.3 to 1.5 thousand echo calls a second; this path costs what a REST call costs.
 */

import type { AskMethod } from '../../../call/call-events.ts';
import type { Caller } from '../../../call/caller.ts';
import type { RunningCall } from '../../../call/running-call.ts';
import type { CallWishes } from '../calls/call-notifier.ts';
import { isAnswer, questionKey, questionOf } from '../calls/questions.ts';
import { type AskEvent, type Asker, ServedCall } from '../calls/served-call.ts';
import { abilitiesOf, STATELESS_VERSION } from '../era.ts';
import { INVALID_PARAMS, McpFault, METHOD_NOT_FOUND } from '../fault.ts';
import {
  isObject,
  jsonText,
  type McpRequest,
  type MessageId,
  type Params,
  responseText,
} from '../message.ts';
import { isTooLong, tooLong } from '../message-size.ts';
import type { Outlet } from '../outlet.ts';
import { type McpService, wishesOf } from '../service.ts';
import type { Envelope } from './envelope.ts';
import type { Subscriptions } from './subscriptions.ts';
import { type SuspendedCall, SuspendedCalls } from './suspended-calls.ts';

/** How long a call with open questions may go on silently before it is suspended: several may be asked at once. */
const QUIET_MS = 5;

/** Who asks, and how its call is cancelled. */
export interface StatelessCaller {
  readonly caller: Caller;
  readonly traceparent?: string | undefined;
  track(served: Pick<ServedCall, 'drop'>): void;
}

/** A request that runs a call, or takes one up again. */
interface Asked {
  readonly request: McpRequest;
  readonly envelope: Envelope;
  /** Answers that came with it, by key. */
  readonly given: Params;
  readonly who: StatelessCaller;
  readonly outlet: Outlet;
}

/** What is known of one call's questions. */
interface Interview {
  /** Answers that came with the request, by key. */
  readonly given: Params;
  open?: Map<string, AskEvent>;
  counts?: Map<AskMethod, number>;
  served?: ServedCall;
}

export class StatelessRequests {
  readonly #service: McpService;
  readonly #subscriptions: Subscriptions;
  readonly #suspended = new SuspendedCalls();

  constructor(service: McpService, subscriptions: Subscriptions) {
    this.#service = service;
    this.#subscriptions = subscriptions;
  }

  get suspendedCalls(): number {
    return this.#suspended.size;
  }

  /** Answers a request whose envelope was found good. Never rejects. */
  async handle(request: McpRequest, envelope: Envelope, who: StatelessCaller, outlet: Outlet): Promise<void> {
    const { id, method, params } = request;
    try {
      if (method === 'server/discover') return this.#discover(id, outlet);
      if (method === 'subscriptions/listen') {
        return this.#subscriptions.open(request, who.caller.keyId, outlet, (drop) => who.track({ drop }));
      }
      if (!this.#service.handles(method)) {
        throw new McpFault(METHOD_NOT_FOUND, `there is no method ${jsonText(method)}`, { status: 404 });
      }
      const given = params['inputResponses'];
      if (given !== undefined && !isObject(given)) {
        throw new McpFault(INVALID_PARAMS, '"inputResponses" must be an object', { status: 400 });
      }
      const asked: Asked = { request, envelope, given: given ?? {}, who, outlet };
      await (params['requestState'] === undefined ? this.#start(asked) : this.#resume(asked));
    } catch (thrown) {
      this.#service.fail(thrown, request, outlet);
    }
  }

  close(): void {
    this.#suspended.close();
  }

  #discover(id: MessageId, outlet: Outlet): void {
    const { capabilities, instructions, statelessEra } = this.#service;
    const told = { supportedVersions: [STATELESS_VERSION], capabilities, instructions };
    outlet.respond(responseText(id, statelessEra.result(JSON.stringify(told).slice(1, -1), null, 0)));
  }

  async #start({ request, envelope, given, who, outlet }: Asked): Promise<void> {
    const interview: Interview = { given };
    const wishes = statelessWishes(request, envelope);
    const end = await this.#service.handle(
      request,
      {
        era: this.#service.statelessEra,
        caller: who.caller,
        abilities: abilitiesOf(envelope.capabilities),
        wishes,
        asker: askerOf(interview),
        traceparent: who.traceparent,
        track: (served) => {
          if (served instanceof ServedCall) interview.served = served;
          who.track(served);
        },
      },
      outlet,
    );
    if (end === 'suspended' && interview.served) {
      const { caller } = who;
      this.#askClient(request, outlet, {
        served: interview.served,
        keyId: caller.keyId,
        fingerprint: fingerprintOf(request),
        questions: interview.open ?? new Map(),
      });
    }
  }

  async #resume({ request, envelope, given, who, outlet }: Asked): Promise<void> {
    const handle = String(request.params['requestState']);
    const suspended = this.#suspended.find(handle, who.caller.keyId, fingerprintOf(request));
    const { served, questions } = suspended;
    for (const [key, { method }] of questions) {
      if (given[key] !== undefined && !isAnswer(method, given[key])) {
        throw new McpFault(
          INVALID_PARAMS,
          `the answer to ${jsonText(key)} does not have the form of ${method}`,
        );
      }
    }
    this.#suspended.take(handle);
    try {
      who.track(served);
      for (const [key, ask] of [...questions]) {
        if (given[key] === undefined) continue;
        questions.delete(key);
        served.call.answer(ask.ask, { value: given[key] });
      }
      const wishes = statelessWishes(request, envelope);
      const end = await served.serve(request.id, outlet, wishes, questions.size > 0 ? quiet() : undefined);
      if (end === 'suspended') this.#askClient(request, outlet, suspended);
    } catch (thrown) {
      this.#abort(thrown, request, outlet, served);
    }
  }

  /** Keeps the call and answers with its open questions; a call that cannot be kept or asked about ends. */
  #askClient(request: McpRequest, outlet: Outlet, suspended: SuspendedCall): void {
    try {
      const handle = this.#suspended.keep(suspended);
      const inputRequests = Object.fromEntries(
        [...suspended.questions].map(([key, ask]) => [key, questionOf(ask)]),
      );
      const told = { resultType: 'input_required', inputRequests, requestState: handle };
      const text = responseText(request.id, jsonText(told));
      const { maxMessageBytes } = this.#service;
      if (isTooLong(text, maxMessageBytes)) throw tooLong('the question', maxMessageBytes);
      outlet.respond(text);
    } catch (thrown) {
      this.#abort(thrown, request, outlet, suspended.served);
    }
  }

  /** Ends a call whose request cannot be answered with what it tells. */
  #abort(thrown: unknown, request: McpRequest, outlet: Outlet, served: ServedCall): void {
    served.drop();
    this.#service.fail(thrown, request, outlet, served.call.callId);
  }
}

function askerOf(interview: Interview): Asker {
  return (ask: AskEvent, call: RunningCall) => {
    const { given } = interview;
    interview.open ??= new Map();
    interview.counts ??= new Map();
    const { open, counts } = interview;
    const count = (counts.get(ask.method) ?? 0) + 1;
    counts.set(ask.method, count);
    const key = questionKey(ask, count);
    const answer = given[key];
    if (!open.has(key) && isAnswer(ask.method, answer)) {
      call.answer(ask.ask, { value: answer });
      return open.size > 0 ? quiet() : undefined;
    }
    open.set(open.has(key) ? `${key}_${count}` : key, ask);
    return quiet();
  };
}

function statelessWishes(request: McpRequest, { logLevel, capabilities }: Envelope): CallWishes {
  return wishesOf(request, logLevel, isObject(capabilities['partialResults']));
}

function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, QUIET_MS));
}

/** What a retry must repeat: the method and what it is about. */
function fingerprintOf({ method, params }: McpRequest): string {
  const { name, uri, arguments: given } = params;
  return JSON.stringify([method, name, uri, given ?? {}]);
}
