/**
 * Built-ins as they were before any tool module ran: what a thread's own machinery works on, so that a tool that replaces
 * them breaks its own call at most.
 *
 * C1. Values, never looked up again: a global, a static or a method of a prototype may be anything after a tool ran.
 * C2. Methods take what they work on as their first argument.
 * C3. The machinery walks its lists by index, and keeps none that grows in an array with a prototype: the iterator of
 *     arrays is a tool's to replace, and so is what an assignment to a free index does (a setter on a prototype).
 */
import { setTimeout } from 'node:timers';
import { getHeapStatistics } from 'node:v8';

const { bind, call } = Function.prototype;

/** A method as a function of what it works on. */
export const ownMethod = bind.bind(call) as <Own extends (self: never, ...args: never[]) => unknown>(
  method: unknown,
) => Own;

export const {
  apply,
  defineProperty,
  deleteProperty,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  isExtensible,
  ownKeys,
} = Reflect;
export const { freeze, hasOwn, is, keys, setPrototypeOf } = Object;
export const { isArray } = Array;
export const { isFinite: isFiniteNumber } = Number;
export const { ceil, min: least } = Math;
export const { stringify, parse } = JSON;
export const { load, store } = Atomics;
export const asyncIterator: typeof Symbol.asyncIterator = Symbol.asyncIterator;
export const toText = String;
export const NativePromise = Promise;
export const NativeAbortController = AbortController;
export const NativeError = Error;
export const NativeFunction = Function;
export const { captureStackTrace } = Error;

const { byteLength, from } = Buffer;
const utf8 = ownMethod<(bytes: Buffer, encoding: 'utf8') => string>(Buffer.prototype.toString);

/** A Buffer over memory that is there. */
export const bufferOf: (memory: ArrayBufferLike, offset?: number, length?: number) => Buffer = from;
const encoded = ownMethod<(bytes: Buffer, encoding: 'base64') => string>(Buffer.prototype.toString);
/** The bytes of a text; what is no base64 in it is passed over. */
export const toBytes: (text: string, encoding: 'base64') => Buffer = from;
export const inBase64 = (bytes: Buffer): string => encoded(bytes, 'base64');
/** Of a text in UTF-8. */
export { byteLength };
/** The text that bytes are in UTF-8. */
export const textOf = (bytes: Uint8Array): string => utf8(from(bytes), 'utf8');

export const now: () => number = performance.now.bind(performance);
export const eventLoopUtilization = performance.eventLoopUtilization.bind(performance);
export const { getActiveResourcesInfo, nextTick } = process;
/** Unlike `process.memoryUsage` it does not ask the system for the size of the process. */
export const heapStatistics = getHeapStatistics;

export const chain = ownMethod<(promise: Promise<void>, next: () => void) => Promise<void>>(
  Promise.prototype.then,
);
export const sourceOf = ownMethod<(value: unknown) => string>(Function.prototype.toString);
/** The getter of an accessor that an object has or inherits. */
export const lookupGetter = ownMethod<(object: object, key: PropertyKey) => unknown>(
  (Object.prototype as unknown as { readonly __lookupGetter__: unknown }).__lookupGetter__,
);
export const indexOf = ownMethod<(text: string, part: string, from?: number) => number>(
  String.prototype.indexOf,
);
export const startsWith = ownMethod<(text: string, start: string) => boolean>(String.prototype.startsWith);
/** A text with U+FFFD in the place of each half of a surrogate pair that stands alone. */
export const wellFormed = ownMethod<(text: string) => string>(
  (String.prototype as unknown as { readonly toWellFormed: unknown }).toWellFormed,
);
/** Whether a text has what the expression says. */
export const matches = ownMethod<(expression: RegExp, text: string) => boolean>(RegExp.prototype.test);
export const slice = ownMethod<(text: string, start: number, end?: number) => string>(String.prototype.slice);

const timer = setTimeout(() => undefined, 0);
/** Lets the process end before the timer is due. */
export const unref = ownMethod<(timer: NodeJS.Timeout) => void>(timer.unref);
clearTimeout(timer);

/** A list that grows by assignment, out of reach of what a tool puts on `Array.prototype`. It has no methods. */
export const ownList = <T>(): T[] => setPrototypeOf([], null) as T[];
