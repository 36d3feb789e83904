/**
 * What a server asks the caller of one call. Over a session these are requests of its own; in the stateless era its result
 * says what it wants to know, and the call is made again with the answers.
 *
 * Q1. A caller is asked only what its client says it can be asked; else the server is told why it is not.
 * Q2. A call that ends answers every question that is open, so that its server does not wait.
 */
import type { AskMethod, ToolEvent } from '../../call/call-events.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { AdmittedCall } from '../runner.ts';
import { type Fields, INVALID_PARAMS, isObject, METHOD_NOT_FOUND, textOf } from './protocol/message.ts';
import type { Reply } from './protocol/peer.ts';

/** So often may one call be made again. */
const MOST_ROUNDS = 32;

export class Questions {
  readonly #request: AdmittedCall;
  readonly #emit: (event: ToolEvent) => void;
  readonly #open = new Map<number, Reply>();
  #asks = 0;
  #rounds = 0;

  constructor(request: AdmittedCall, emit: (event: ToolEvent) => void) {
    this.#request = request;
    this.#emit = emit;
  }

  ask(method: string, params: Fields, reply: Reply): void {
    const kind = ASKS[method];
    const { abilities = {}, name } = this.#request;
    const may =
      kind === 'elicit'
        ? params['mode'] === 'url'
          ? abilities.elicitUrl
          : abilities.elicitForm
        : kind === 'sample'
          ? abilities.sample
          : kind === 'roots' && abilities.roots;
    if (!kind || may !== true) {
      const message = `the caller of ${name} cannot be asked (${method})`;
      return reply({ error: { code: METHOD_NOT_FOUND, message } });
    }
    const ask = ++this.#asks;
    this.#open.set(ask, reply);
    this.#emit({ type: 'ask', ask, method: kind, params });
  }

  answer(ask: number, outcome: { readonly value: unknown } | { readonly error: ToolError }): void {
    const reply = this.#open.get(ask);
    this.#open.delete(ask);
    if ('value' in outcome) reply?.({ result: outcome.value });
    else reply?.({ error: { code: INVALID_PARAMS, message: outcome.error.message } });
  }

  /**
   * Asks all that a result wants to know.
   * @param again is given the members to add to the call's params.
   * @param fail told once where an answer cannot be had.
   */
  askAll(result: Fields, again: (members: string) => void, fail: (error: ToolError) => void): void {
    const { inputRequests, requestState } = result;
    const wanted = isObject(inputRequests) ? Object.entries(inputRequests) : [];
    if (++this.#rounds > MOST_ROUNDS)
      return fail(new ToolError('tool_failed', `the server has asked ${MOST_ROUNDS} times, and asks again`));
    const answers: Record<string, unknown> = {};
    let left = wanted.length;
    const done = () => {
      const state = requestState === undefined ? '' : `,"requestState":${JSON.stringify(requestState)}`;
      again(`"inputResponses":${JSON.stringify(answers)}${state}`);
    };
    if (left === 0) return done();
    for (const [key, one] of wanted) {
      const { method, params } = isObject(one) ? one : {};
      // The server's own name for its question is what a client of the same era should see.
      const named = { ...(isObject(params) ? params : {}), key };
      this.ask(textOf(method) ?? '', named, (reply) => {
        if ('error' in reply) {
          if (left > 0) fail(new ToolError('failed_precondition', reply.error.message));
          left = -1;
          return;
        }
        answers[key] = reply.result;
        if (--left === 0) done();
      });
    }
  }

  end(): void {
    for (const reply of this.#open.values())
      reply({ error: { code: INVALID_PARAMS, message: 'the call has ended' } });
    this.#open.clear();
  }
}

/** What the caller's client can be asked, as the stateless era has each request say it. */
export function capabilitiesOf({ abilities = {} }: AdmittedCall): Fields {
  const { elicitForm, elicitUrl, sample, roots } = abilities;
  return {
    ...(elicitForm || elicitUrl
      ? { elicitation: { ...(elicitForm ? { form: {} } : {}), ...(elicitUrl ? { url: {} } : {}) } }
      : {}),
    ...(sample ? { sampling: {} } : {}),
    ...(roots ? { roots: {} } : {}),
  };
}

const ASKS: Readonly<Record<string, AskMethod | undefined>> = Object.assign(Object.create(null), {
  'elicitation/create': 'elicit',
  'sampling/createMessage': 'sample',
  'roots/list': 'roots',
});
