/**
 * grpc.reflection, v1 and v1alpha: tells clients such as grpcurl what can be called here, so that they need no .proto.
 */

import { DESCRIPTORS } from './descriptors.ts';
import type { Exchange } from './exchange.ts';
import type { Method } from './gateway-service.ts';
import { MessageWriter, readFields, textOf } from './protobuf.ts';

const NAMES = ['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'];
const NOT_FOUND = 5;
const UNIMPLEMENTED = 12;
/** The fields of a request, by what they ask for. */
const BY_FILE = 3;
const BY_SYMBOL = 4;
const SERVICES = 7;

export const reflectionMethods: Readonly<Record<string, Method>> = Object.fromEntries(
  NAMES.map((name) => [`/${name}/ServerReflectionInfo`, serve]),
);

function serve(exchange: Exchange): void {
  exchange.endAtDeadline();
  exchange.watchReader();
  let waiting: Promise<void> | undefined;
  exchange.receive({
    message: (message) => {
      // In their order, one after the other has been read.
      const behind = waiting ?? exchange.ready();
      if (behind) waiting = behind.then(() => exchange.send(answer(message)));
      else exchange.send(answer(message));
    },
    halfClosed: () => {
      if (waiting) void waiting.then(() => exchange.succeed());
      else exchange.succeed();
    },
  });
}

function answer(request: Buffer): Buffer {
  let field = 0;
  let wanted = '';
  readFields(request, (number, value) => {
    if (number < BY_FILE || number > SERVICES) return;
    field = number;
    wanted = typeof value === 'number' || number === 5 ? '' : textOf(value);
  });
  const response = new MessageWriter().bytes(2, request);
  if (field === SERVICES) return response.message(6, serviceList()).finish();
  if (field !== BY_FILE && field !== BY_SYMBOL)
    return response.message(7, refusal(UNIMPLEMENTED, 'this has no extensions')).finish();
  const file = DESCRIPTORS.find(({ name, symbols }) =>
    field === BY_FILE ? name === wanted : symbols.some((symbol) => isWithin(symbol, wanted)),
  );
  if (!file) return response.message(7, refusal(NOT_FOUND, `there is no ${wanted}`)).finish();
  const bytes = Buffer.from(file.base64, 'base64');
  return response.message(4, new MessageWriter().bytes(1, bytes)).finish();
}

/** A method, or a field, is a symbol too: of its service, or message. */
const isWithin = (symbol: string, wanted: string): boolean =>
  wanted === symbol || wanted.startsWith(`${symbol}.`);

function serviceList(): MessageWriter {
  const list = new MessageWriter();
  for (const { services } of DESCRIPTORS)
    for (const name of services) list.message(1, new MessageWriter().text(1, name));
  return list;
}

const refusal = (code: number, text: string): MessageWriter =>
  new MessageWriter().number(1, code).text(2, text);
