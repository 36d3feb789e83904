/**
 * What a running tool asks its client, in MCP's words, and whether an answer is one.
 */
import { randomUUID } from 'node:crypto';
import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import type { AskMethod } from '../protocol/frames.ts';
import { ToolError } from '../protocol/tool-error.ts';
import type { RunningCall } from '../tool/runner.ts';
import { isObject, type MessageId, type Params } from './mcp-message.ts';
import type { AskEvent } from './mcp-served-call.ts';

/** A request for the client, as `inputRequests` and server-to-client requests have it. */
export interface Question {
  readonly method: string;
  readonly params: Params;
}

/** The longest timer there is: a question waits as long as its call. */
const WHILE_THE_CALL_RUNS_MS = 2 ** 31 - 1;

const METHODS: Readonly<Record<AskMethod, string>> = {
  elicit: 'elicitation/create',
  sample: 'sampling/createMessage',
  roots: 'roots/list',
};

/** The question of an `ask` event; its `key` is the tool's own name for it and stays here. */
export function questionOf({ method, params }: AskEvent): Question {
  const { key: _key, ...rest } = isObject(params) ? params : {};
  const isUrl = method === 'elicit' && typeof rest['url'] === 'string';
  return {
    method: METHODS[method],
    params: isUrl ? { mode: 'url', elicitationId: randomUUID(), ...rest } : rest,
  };
}

/** The name that the tool gave its question, or the `count`-th of its kind. */
export function questionKey({ method, params }: AskEvent, count: number): string {
  const key = isObject(params) ? params['key'] : undefined;
  return typeof key === 'string' && key !== '' ? key : `${method}_${count}`;
}

/** Whether a client's answer has the form that the method's result has. */
export function isAnswer(method: AskMethod, answer: unknown): answer is Params {
  if (!isObject(answer)) return false;
  switch (method) {
    case 'elicit':
      return (
        ['accept', 'decline', 'cancel'].includes(String(answer['action'])) &&
        (answer['content'] === undefined || isObject(answer['content']))
      );
    case 'sample':
      return answer['role'] !== undefined && answer['content'] !== undefined;
    case 'roots':
      return Array.isArray(answer['roots']);
  }
}

/** How a question travels beside the request that it belongs to. */
export interface QuestionPath {
  readonly on: MessageId;
  readonly meta?: Params;
  /** Aborts when that request is over before its call: the question is taken back, and the call goes on waiting. */
  readonly left?: AbortSignal;
}

/**
 * Puts a question to a client of the era with sessions, and the answer to the call.
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
