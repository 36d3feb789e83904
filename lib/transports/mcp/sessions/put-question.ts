/**
 * Puts a running tool's question to a client of the era with sessions, through the SDK's Server.
 *
 * Q1. The SDK's own error is the client's answer, or says that there will be none; anything else is a defect, which is
 *     logged, and of which the tool learns no more than that it gets no answer.
 */
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { McpError, ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { RunningCall } from '../../../call/running-call.ts';
import { ToolError } from '../../../call/tool-error.ts';
import { isAnswer, questionOf } from '../calls/questions.ts';
import type { AskEvent } from '../calls/served-call.ts';
import type { FaultContext, McpFault } from '../fault.ts';
import type { MessageId, Params } from '../message.ts';

/** The longest timer there is: a question waits as long as its call. */
const WHILE_THE_CALL_RUNS_MS = 2 ** 31 - 1;

/** How a question travels beside the request that it belongs to. */
export interface QuestionPath {
  readonly on: MessageId;
  readonly meta?: Params;
  /** Aborts when that request is over before its call: the question is taken back, and the call goes on waiting. */
  readonly left?: AbortSignal;
  /** Logs what was not meant to be thrown. */
  readonly defect: (thrown: unknown, context: FaultContext) => McpFault;
}

/**
 * Asks, and gives the answer to the call.
 * @returns false when it was taken back.
 */
export async function putQuestion(
  server: Server,
  ask: AskEvent,
  call: RunningCall,
  { on, meta, left, defect }: QuestionPath,
): Promise<boolean> {
  const abort = new AbortController();
  let isOpen = true;
  const takeBack = () => isOpen && abort.abort();
  call.onEnd(takeBack);
  left?.addEventListener('abort', takeBack, { once: true });
  try {
    const { method, params } = questionOf(ask);
    const question = { method, params: meta ? { ...params, _meta: meta } : params };
    const value = await server.request(
      question as { method: 'elicitation/create'; params: never },
      ResultSchema,
      {
        relatedRequestId: on,
        signal: abort.signal,
        timeout: WHILE_THE_CALL_RUNS_MS,
      },
    );
    if (isAnswer(ask.method, value)) call.answer(ask.ask, { value });
    else call.answer(ask.ask, { error: unanswered(`its answer to ${method} has no known form`) });
  } catch (thrown) {
    if (left?.aborted) return false;
    const isAnswered = thrown instanceof McpError || abort.signal.aborted;
    const why = isAnswered ? thrown : defect(thrown, { method: ask.method, callId: call.callId });
    call.answer(ask.ask, { error: unanswered((why as Error).message) });
  } finally {
    isOpen = false;
    left?.removeEventListener('abort', takeBack);
  }
  return true;
}

const unanswered = (why: string): ToolError =>
  new ToolError('failed_precondition', `the client did not answer: ${why}`);
