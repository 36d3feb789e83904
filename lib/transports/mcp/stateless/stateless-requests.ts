/**
 * The stateless era, 2026-07-28: each request stands alone, over HTTP or stdio.
 *
 * M1. A tool that asks its client suspends its call: the response is `input_required`, and the retry takes the call
 *     up where it waits. Answers that come with a first request are used as the questions arise.
 * M2. Nothing is asked that the client did not declare.
 * M3. Which call becomes a task its tool says (task-support.ts), and only for clients that declare the extension. A tool
 *     that asks first does so by `input_required`; what it asks later is the task's.
 *
 * Why not the SDK's own server for this era: it builds a server and parses every message with zod per request, which
 * was measured at 1.3 to 1.5 thousand echo calls a second; this path costs what a REST call costs.
 */

import type { AskMethod } from '../../../call/call-events.ts';
import type { Caller } from '../../../call/caller.ts';
import type { RequestOrigin, RunningCall } from '../../../call/running-call.ts';
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
import { type McpService, type RequestScope, wishesOf } from '../service.ts';
import { asksBeforeTask, declaresTasks, TASKS_EXTENSION, taskSupportOf } from '../task-support.ts';
import type { Envelope } from './envelope.ts';
import type { ExtensionTask } from './extension-task.ts';
import { type ExtensionTasks, requireTasks } from './extension-tasks.ts';
import type { Subscriptions } from './subscriptions.ts';
import { type SuspendedCall, SuspendedCalls } from './suspended-calls.ts';

/** How long a tool that asks before it becomes a task may take to ask. */
const FIRST_QUESTION_MS = 1000;
/** How long a call with open questions may go on silently before it is suspended: several may be asked at once. */
const QUIET_MS = 5;

/** Who asks, and how its call is cancelled. */
export interface StatelessCaller {
  readonly caller: Caller;
  readonly origin?: RequestOrigin | undefined;
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
  readonly open: Map<string, AskEvent>;
  readonly counts: Map<AskMethod, number>;
  served?: ServedCall;
  /** What the call has become, and takes its questions since. */
  task?: ExtensionTask;
}

export class StatelessRequests {
  readonly #service: McpService;
  readonly #subscriptions: Subscriptions;
  readonly #tasks: ExtensionTasks;
  readonly #suspended: SuspendedCalls;

  constructor(service: McpService, tasks: ExtensionTasks, subscriptions: Subscriptions) {
    this.#service = service;
    this.#suspended = new SuspendedCalls(() => service.newHandle(24));
    this.#tasks = tasks;
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
        const { capabilities } = envelope;
        const subscriber = {
          keyId: who.caller.keyId,
          capabilities,
          track: (drop: () => void) => who.track({ drop }),
        };
        return this.#subscriptions.open(request, subscriber, outlet);
      }
      if (this.#tasks.takes(method)) {
        return await this.#tasks.handle(request, who.caller.keyId, envelope.capabilities, outlet);
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
    this.#tasks.close();
  }

  #discover(id: MessageId, outlet: Outlet): void {
    const { capabilities: shared, instructions, statelessEra } = this.#service;
    const capabilities = { ...shared, extensions: { [TASKS_EXTENSION]: {} } };
    const told = { supportedVersions: [STATELESS_VERSION], capabilities, instructions };
    outlet.respond(responseText(id, statelessEra.result(JSON.stringify(told).slice(1, -1), null, 0)));
  }

  async #start({ request, envelope, given, who, outlet }: Asked): Promise<void> {
    const interview: Interview = { given, open: new Map(), counts: new Map() };
    const abilities = abilitiesOf(envelope.capabilities);
    const becomes = this.#becomes(request, envelope, who, abilities !== undefined);
    const scope: RequestScope = {
      era: this.#service.statelessEra,
      caller: who.caller,
      abilities,
      wishes: statelessWishes(request, envelope),
      asker: askerOf(interview),
      ...(becomes === 'a task after its questions' ? { suspension: pause(FIRST_QUESTION_MS) } : {}),
      origin: who.origin,
      protocolVersion: STATELESS_VERSION,
      track: (served) => {
        if (served instanceof ServedCall) interview.served = served;
        who.track(served);
      },
    };
    if (becomes === 'a task') return this.#tasks.start(request, scope, outlet);
    const end = await this.#service.handle(request, scope, outlet);
    if (end === 'suspended' && interview.served) {
      await this.#suspend(request, outlet, {
        served: interview.served,
        keyId: who.caller.keyId,
        fingerprint: fingerprintOf(request),
        questions: interview.open,
        becomeTask: (task) => {
          interview.task = task;
        },
      });
    }
  }

  /** What a request is answered with (M3). @throws {McpFault} when its tool needs a client with tasks. */
  #becomes(
    { method, params }: McpRequest,
    { capabilities }: Envelope,
    { caller }: StatelessCaller,
    canBeAsked: boolean,
  ): 'a result' | 'a task' | 'a task after its questions' {
    if (method !== 'tools/call') return 'a result';
    const tool = this.#service.dispatcher.tool(String(params['name']), caller.keyId);
    const support = taskSupportOf(tool);
    if (support === 'required') requireTasks(capabilities);
    if (support === undefined || support === 'forbidden' || !declaresTasks(capabilities)) return 'a result';
    return canBeAsked && asksBeforeTask(tool) ? 'a task after its questions' : 'a task';
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
      const becomes = this.#becomes(request, envelope, who, true);
      const isLeft = questions.size > 0 || becomes === 'a task after its questions';
      const end = await served.serve(request.id, outlet, wishes, isLeft ? pause(QUIET_MS) : undefined);
      if (end === 'suspended') await this.#suspend(request, outlet, suspended);
    } catch (thrown) {
      this.#abort(thrown, request, outlet, served);
    }
  }

  /** Answers for a call that goes on: with its open questions, else as the task that it becomes. */
  async #suspend(request: McpRequest, outlet: Outlet, suspended: SuspendedCall): Promise<void> {
    const { served, keyId, questions, becomeTask } = suspended;
    if (questions.size > 0) return this.#askClient(request, outlet, suspended);
    try {
      await this.#tasks.adopt(request, served, keyId, outlet, becomeTask);
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
    const { given, open, counts, task } = interview;
    if (task) return task.asker(ask, call);
    const count = (counts.get(ask.method) ?? 0) + 1;
    counts.set(ask.method, count);
    const key = questionKey(ask, count);
    const answer = given[key];
    if (!open.has(key) && isAnswer(ask.method, answer)) {
      call.answer(ask.ask, { value: answer });
      return open.size > 0 ? pause(QUIET_MS) : undefined;
    }
    open.set(open.has(key) ? `${key}_${count}` : key, ask);
    return pause(QUIET_MS);
  };
}

function statelessWishes(request: McpRequest, { logLevel, capabilities }: Envelope): CallWishes {
  return wishesOf(request, logLevel, isObject(capabilities['partialResults']));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What a retry must repeat: the method and what it is about. */
function fingerprintOf({ method, params }: McpRequest): string {
  const { name, uri, arguments: given } = params;
  return JSON.stringify([method, name, uri, given ?? {}]);
}
