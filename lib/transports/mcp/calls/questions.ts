/**
 * What a running tool asks its client, in MCP's words, and whether an answer is one.
 */
import { randomUUID } from 'node:crypto';
import type { AskMethod } from '../../../call/call-events.ts';
import { isObject, type Params } from '../message.ts';
import type { AskEvent } from './served-call.ts';

/** A request for the client, as `inputRequests` and server-to-client requests have it. */
export interface Question {
  readonly method: string;
  readonly params: Params;
}

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
