/**
 * Puts a running tool's question to a client of the era with sessions, through the SDK's Server.
 */
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { RunningCall } from '../../../call/running-call.ts';
import { ToolError } from '../../../call/tool-error.ts';
import { isAnswer, questionOf } from '../calls/questions.ts';
import type { AskEvent } from '../calls/served-call.ts';
import type { MessageId, Params } from '../message.ts';

/** The longest timer there is: a question waits as long as its call. */
const WHILE_THE_CALL_RUNS_MS = 2 ** 31 - 1;

/** How a question travels beside the request that it belongs to. */
export interface QuestionPath {
  readonly on: MessageId;
  readonly meta?: Params;
  /** Aborts when that request is over before its call: the question is taken back, and the call goes on waiting. */
  readonly left?: AbortSignal;
}

/**
 * Asks, and gives the answer to the call.
 * @returns false when it was taken back.
 */
export async function putQuestion(
  server: Server,
  ask: AskEvent,
  call: RunningCall,
  { on, meta, left }: QuestionPath,
): Promise<boolean> {
  const abort = new AbortController();
  let isOpen = true;
  const takeBack = () => isOpen && abort.abort();
  call.onEnd(takeBack);
  left?.addEventListener('abort', takeBack, { once: true });
  const { method, params } = questionOf(ask);
  const question = { method, params: meta ? { ...params, _meta: meta } : params };
  try {
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
    call.answer(ask.ask, { error: unanswered((thrown as Error).message) });
  } finally {
    isOpen = false;
    left?.removeEventListener('abort', takeBack);
  }
  return true;
}

const unanswered = (why: string): ToolError =>
  new ToolError('failed_precondition', `the client did not answer: ${why}`);
