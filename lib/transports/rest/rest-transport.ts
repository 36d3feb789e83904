/** What of the gateway is plain requests and answers, in JSON. */
import { ToolError } from '../../call/tool-error.ts';
import { callNotFound } from '../../dispatch/calls.ts';
import { JSON_TYPE, respond, respondJson } from '../http/response.ts';
import type { Transport, TransportContext } from '../transport.ts';
import { renderCall, renderCalls } from './call-list.ts';
import { answerCall, bareData, envelope } from './sync-answer.ts';
import { renderToolList } from './tool-list.ts';

export class RestTransport implements Transport {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  open({ calls, watch, meter, log, http, limits }: TransportContext): void {
    http.countConnections(meter); // its streams and sockets have meters of their own
    http.route({
      method: 'GET',
      path: '/tools',
      description: 'lists the tools and their schemas',
      handle: (request, response) =>
        respond(request, response, 200, JSON_TYPE, renderToolList(calls.catalogOf(request.keyId))),
    });
    http.route({
      method: 'GET',
      path: '/calls',
      description: 'lists your calls, running and kept',
      async handle(request, response) {
        respond(request, response, 200, JSON_TYPE, renderCalls(await calls.list(request.keyId)));
      },
    });
    http.route({
      method: 'GET',
      path: '/calls/:id',
      description: 'shows a call, with its data or its error once it has ended',
      async handle(request, response) {
        const { id = '' } = request.params;
        const state = await calls.find(id, request.keyId);
        if (!state) throw callNotFound(id);
        respond(request, response, 200, JSON_TYPE, renderCall(state));
      },
    });
    http.route({
      method: 'DELETE',
      path: '/calls/:id',
      description: 'cancels a running call',
      async handle(request, response) {
        const { id = '' } = request.params;
        if (!(await calls.cancelAnywhere(id, request.keyId))) {
          throw new ToolError('call_not_found', `no call ${JSON.stringify(id)} of yours is running`);
        }
        respondJson(request, response, { callId: id, status: 'cancelling' }, 202);
      },
    });
    const context = { watch, meter, log, maxResultBytes: limits.maxResultBytes };
    const json = {
      transport: this.name,
      mediaType: 'application/json',
      label: 'JSON',
      preference: 0,
      streams: false,
    };
    http.format({
      ...json,
      serve: (request, response, call) => answerCall(request, response, call, context, envelope),
    });
    http.format({
      ...json,
      takes: 'arguments',
      serve: (request, response, call) => answerCall(request, response, call, context, bareData),
    });
  }

  close(): void {} // its answers end with their calls, and its connections are the listening socket's
}
