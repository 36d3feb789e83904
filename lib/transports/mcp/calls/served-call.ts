/**
 * One call on its way to an MCP client: reads the call's events and writes them to the request's outlet.
 *
 * S1. The next event is asked for only when the outlet is ready: a client that stops reading stops the tool.
 * S2. A call that its client cancelled writes no response.
 * S3. A call that can tell and ask its client nothing is not read, only waited for.
 * S4. A message that is longer than the client takes is made shorter or split (message-size.ts); the call ends
 *     `result_too_large` where that does not help.
 * S5. A call may be left waiting for the client's answers, and taken up again on another outlet (`suspended`).
 */

import type { ErrorEvent, ResultEvent, ToolEvent } from '../../../call/call-events.ts';
import { LOG_RANK } from '../../../call/log-level.ts';
import type { RunningCall } from '../../../call/running-call.ts';
import { ToolError } from '../../../call/tool-error.ts';
import { type Era, META_PREFIX } from '../era.ts';
import {
  faultText,
  INTERNAL_ERROR,
  INVALID_PARAMS,
  McpFault,
  missingCapabilityFault,
  refusalFault,
  toolCallFault,
} from '../fault.ts';
import { type CallPlan, resourceNotFound } from '../mcp-catalog.ts';
import { type MessageId, responseText } from '../message.ts';
import { isTooLong, shortError, tooLong } from '../message-size.ts';
import type { Outlet } from '../outlet.ts';
import { CallNotifier, type CallWishes } from './call-notifier.ts';
import { chunkParts } from './chunk-parts.ts';
import { contentResult, errorResult, toolResult } from './result.ts';
import { resultWithoutCopy } from './short-result.ts';

type ChunksEvent = Extract<ToolEvent, { type: 'chunks' }>;

/** What answers a request; the fault, where it is one, knows the HTTP status. */
interface Answer {
  readonly response: string;
  readonly fault?: McpFault;
}

/** What a notification takes beside the items of its chunks, its token apart. */
const ENVELOPE_BYTES = 1024;

/** Chunks of that many characters are told alone. */
const LARGE_LENGTH = 1024 * 1024;

export type AskEvent = Extract<ToolEvent, { type: 'ask' }>;

/**
 * Puts a tool's question to the client; the answer goes to `call.answer`.
 * @returns undefined, or what settles when the call is to be suspended unless it has told something by then.
 */
export type Asker = (ask: AskEvent, call: RunningCall) => Promise<void> | undefined;

export class ServedCall {
  readonly call: RunningCall;
  readonly plan: CallPlan;
  readonly #era: Era;
  readonly #asker: Asker;
  #iterator: AsyncIterator<ToolEvent> | undefined;
  #pending: Promise<IteratorResult<ToolEvent>> | undefined;
  readonly #maxMessageBytes: number;
  #isDropped = false;
  /** Why the call was ended from here (S4). */
  #tooLong: ToolError | undefined;

  /** @param maxMessageBytes the longest message that the client takes. */
  constructor(call: RunningCall, plan: CallPlan, era: Era, asker: Asker, maxMessageBytes: number) {
    this.call = call;
    this.plan = plan;
    this.#era = era;
    this.#asker = asker;
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** Ends the call without any further message to the client. */
  drop(reason: 'cancelled' | 'slow_consumer' = 'cancelled', message?: string): void {
    this.#isDropped = true;
    this.call.cancel(reason, message);
  }

  /**
   * Writes what the call tells to the outlet, until its end or until it is suspended.
   * @param suspension as an `Asker` gives it, for a call with open questions.
   */
  serve(
    id: MessageId,
    outlet: Outlet,
    wishes: CallWishes,
    suspension?: Promise<void>,
  ): Promise<'ended' | 'suspended'> {
    const { streams, abilities, logLevel } = this.call.request;
    const isSilent = !streams && abilities === undefined && logLevel === undefined;
    return isSilent ? this.#awaitEnd(id, outlet) : this.#tell(id, outlet, wishes, suspension);
  }

  #awaitEnd(id: MessageId, outlet: Outlet): Promise<'ended'> {
    return new Promise((resolve, reject) => {
      this.call.onEnd((end) => {
        try {
          this.#end(end, id, outlet);
          resolve('ended');
        } catch (defect) {
          reject(defect);
        }
      });
    });
  }

  async #tell(
    id: MessageId,
    outlet: Outlet,
    wishes: CallWishes,
    suspension: Promise<void> | undefined,
  ): Promise<'ended' | 'suspended'> {
    const events = this.#events();
    const notifier = new CallNotifier(this.plan.name, wishes, outlet);
    try {
      for (;;) {
        this.#pending ??= events.next();
        const step = await (suspension ? Promise.race([this.#pending, suspension]) : this.#pending);
        if (!step) {
          notifier.flush();
          return 'suspended';
        }
        this.#pending = undefined;
        const event = step.done ? missingEnd() : step.value;
        if (event.type === 'result' || event.type === 'error') {
          notifier.flush();
          // Its client goes on with it at another gateway.
          if (event.type === 'error' && event.isAway) {
            outlet.open(); // with an id to come back with
            outlet.abandon();
          } else this.#end(event, id, outlet);
          return 'ended';
        }
        if (event.type === 'started') notifier.started();
        else if (event.type === 'ask') {
          notifier.flush();
          suspension = this.#asker(event, this.call) ?? suspension;
        } else if (event.type === 'chunks') this.#tellChunks(event, notifier, wishes);
        else if (event.type === 'restarted') tellRestart(event.attempt, this.call, notifier);
        else notifier.tell(event);
        const ready = outlet.ready();
        if (ready) await ready;
      }
    } finally {
      notifier.stop();
    }
  }

  #tellChunks(event: ChunksEvent, notifier: CallNotifier, { progressToken }: CallWishes): void {
    if (this.#tooLong) return;
    const tokenLength = typeof progressToken === 'string' ? progressToken.length : 0;
    const parts =
      progressToken === undefined
        ? [event]
        : chunkParts(event, this.#maxMessageBytes - ENVELOPE_BYTES - 6 * tokenLength);
    for (const part of parts ?? []) {
      // Beside what waits, it might become too long.
      const isLarge = part.items.reduce((sum, item) => sum + item.length, 0) > LARGE_LENGTH;
      if (isLarge) notifier.flush();
      notifier.tell(part);
      if (isLarge) notifier.flush();
    }
    if (parts) return;
    this.#tooLong = tooLong('a chunk', this.#maxMessageBytes);
    this.call.cancel('cancelled', this.#tooLong.message);
  }

  #events(): AsyncIterator<ToolEvent> {
    this.#iterator ??= this.call[Symbol.asyncIterator]();
    return this.#iterator;
  }

  #end(event: Extract<ToolEvent, { type: 'result' | 'error' }>, id: MessageId, outlet: Outlet): void {
    if (this.#isDropped) return outlet.abandon();
    const { response, fault } =
      event.type === 'result' && !this.#tooLong
        ? this.#resultOf(event, id)
        : this.#failureOf(event as ErrorEvent, id);
    const isKept = event.type === 'result' && this.call.reading !== undefined;
    outlet.respond(response, fault, isKept ? () => this.#resultOf(event, id).response : undefined);
  }

  #resultOf(event: ResultEvent, id: MessageId): Answer {
    const max = this.#maxMessageBytes;
    const response = responseText(id, this.#resultText(event));
    if (!isTooLong(response, max)) return { response };
    const short = this.plan.kind === 'tool' ? resultWithoutCopy(event, this.#era) : null;
    const shortened = short === null ? response : responseText(id, short);
    return isTooLong(shortened, max)
      ? this.#errorOf(tooLong('the result', max), id)
      : { response: shortened };
  }

  #failureOf({ error, relayed }: ErrorEvent, id: MessageId): Answer {
    if (this.#tooLong || relayed === undefined) return this.#errorOf(this.#tooLong ?? error, id);
    const response = responseText(id, contentResult(relayed, null, this.#era));
    return isTooLong(response, this.#maxMessageBytes) ? this.#errorOf(error, id) : { response };
  }

  #errorOf(error: ToolError, id: MessageId): Answer {
    const answer = this.#errorAnswer(error, id);
    return isTooLong(answer.response, this.#maxMessageBytes)
      ? this.#errorAnswer(shortError(error), id)
      : answer;
  }

  #errorAnswer(error: ToolError, id: MessageId): Answer {
    const fault = this.#faultOf(error);
    if (fault) return { response: faultText(id, fault), fault };
    return { response: responseText(id, errorResult(error, this.call.callId, this.#era)) };
  }

  #resultText(event: ResultEvent): string {
    switch (this.plan.kind) {
      case 'tool':
        return toolResult(event, this.#era);
      case 'completion':
        return this.#era.result(`"completion":${event.data ?? '{"values":[]}'}`, event.meta);
      case 'resource':
        return contentResult(event.data ?? '{"contents":[]}', event.meta, this.#era, 0);
      case 'prompt':
        return contentResult(event.data ?? '{"messages":[]}', event.meta, this.#era);
    }
  }

  #faultOf(error: ToolError): McpFault | null {
    const missing = this.#era.isStateless ? missingCapabilityFault(error) : null;
    if (missing) return missing;
    if (this.plan.kind === 'tool') return toolCallFault(error, this.call.hasStarted);
    if (this.plan.kind === 'resource' && error.code === 'not_found') {
      return resourceNotFound(this.plan.uri ?? '', this.#era.isStateless);
    }
    const data = { [`${META_PREFIX}code`]: error.code };
    if (error.code === 'invalid_arguments') return new McpFault(INVALID_PARAMS, error.message, { data });
    if (error.code === 'tool_failed') return new McpFault(INTERNAL_ERROR, error.message, { data });
    const refusal = refusalFault(error);
    return this.call.hasStarted
      ? new McpFault(refusal.code, refusal.message, { data: refusal.data })
      : refusal;
  }
}

/** What stands for the end of a call that has none. */
function missingEnd(): ErrorEvent {
  const error = new ToolError('internal', 'the call ended without a result');
  return { type: 'error', error, chunks: 0, durationMs: 0 };
}

/** A client that asked for warnings is told that what it has seen of the call is void. */
function tellRestart(attempt: number, { request }: RunningCall, notifier: CallNotifier): void {
  const { logLevel, name } = request;
  notifier.flush();
  if (logLevel === undefined || LOG_RANK[logLevel] > LOG_RANK.warning) return;
  const message = `${name} was lost with its host and runs again (attempt ${attempt}); earlier chunks are void`;
  notifier.tell({ type: 'log', level: 'warning', message });
}
