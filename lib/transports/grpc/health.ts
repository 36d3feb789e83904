/** grpc.health.v1.Health, which needs no key, as /health needs none: the gateway serves until it drains. */
import { ToolError } from '../../call/tool-error.ts';
import type { Calls } from '../../dispatch/calls.ts';
import type { Exchange } from './exchange.ts';
import { type Method, SERVICE } from './gateway-service.ts';
import { MessageWriter, readFields, textOf } from './protobuf.ts';

export const HEALTH_SERVICE = 'grpc.health.v1.Health';
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;
/** How often it is looked whether that has changed, while somebody watches. */
const LOOK_MS = 500;

export function healthMethods(calls: Calls): Readonly<Record<string, Method>> {
  const state = (service: string): number => {
    if (service !== '' && service !== SERVICE && service !== HEALTH_SERVICE) return SERVICE_UNKNOWN;
    return calls.isDraining ? NOT_SERVING : SERVING;
  };
  return {
    [`/${HEALTH_SERVICE}/Check`]: (exchange) =>
      exchange.receiveOne((message) => {
        const service = serviceIn(message);
        const status = state(service);
        if (status === SERVICE_UNKNOWN)
          throw new ToolError('not_found', `there is no service ${JSON.stringify(service)}`);
        exchange.succeed(answer(status));
      }),
    [`/${HEALTH_SERVICE}/Watch`]: (exchange) =>
      exchange.receiveOne((message) => watch(exchange, () => state(serviceIn(message)))),
  };
}

function watch(exchange: Exchange, state: () => number): void {
  exchange.endAtDeadline();
  exchange.watchReader();
  let last = state();
  exchange.send(answer(last));
  const timer = setInterval(() => {
    const now = state();
    if (now === last || exchange.ready()) return;
    last = now;
    exchange.send(answer(now));
  }, LOOK_MS).unref();
  exchange.onClosed = () => clearInterval(timer);
}

const answer = (status: number): Buffer => new MessageWriter().number(1, status).finish();

function serviceIn(message: Buffer): string {
  let service = '';
  readFields(message, (field, value) => {
    if (field === 1) service = textOf(value);
  });
  return service;
}
