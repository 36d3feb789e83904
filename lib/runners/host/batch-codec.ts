/**
 * Batches of frames as bytes, for links that carry bytes. A batch is a length in four bytes, lowest first, a byte that
 * says how the rest is written, and the rest.
 *
 * B1. What is small and pure JSON is written as JSON: V8's serializer takes several microseconds before it has written
 *     anything, which is more than most calls cost otherwise.
 * B2. All else is written by that serializer, as it would be for a MessagePort: values that are not JSON reach a tool as
 *     they would on a thread, and text, which is JSON already, is copied; JSON would escape it once more, at four to ten
 *     times the cost.
 */
import { deserialize, serialize } from 'node:v8';

/** Length and kind. */
export const HEAD_BYTES = 5;

const JSON_TEXT = 0;
const SERIALIZED = 1;

/** Text of this length is cheaper to copy than to escape. */
const SMALL_TEXT = 1024;

/** What is nested deeper is left to the serializer, which needs less of the stack. */
const MAX_DEPTH = 100;

/** @throws {Error} for what cannot be cloned. @returns the batch in parts, to be written one after the other. */
export function encodeBatch(frames: readonly unknown[]): readonly Buffer[] {
  if (frames.every((frame) => isSmallJson(frame, 0))) {
    const text = JSON.stringify(frames);
    const length = Buffer.byteLength(text);
    const bytes = Buffer.allocUnsafe(HEAD_BYTES + length);
    writeHead(bytes, length, JSON_TEXT);
    bytes.write(text, HEAD_BYTES);
    return [bytes];
  }
  const body = serialize(frames);
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  writeHead(head, body.length, SERIALIZED);
  return [head, body];
}

function writeHead(bytes: Buffer, length: number, kind: number): void {
  bytes.writeUInt32LE(length);
  bytes[HEAD_BYTES - 1] = kind;
}

/** @param bytes begin with a head. @returns how many bytes follow it. */
export const bodyLength = (bytes: Buffer): number => bytes.readUInt32LE();

/** @param bytes a batch, its head included. @throws {Error} for what is none. */
export function decodeBatch(bytes: Buffer): readonly unknown[] {
  const frames: unknown =
    bytes[HEAD_BYTES - 1] === JSON_TEXT
      ? JSON.parse(bytes.toString('utf8', HEAD_BYTES))
      : deserialize(bytes.subarray(HEAD_BYTES));
  if (!Array.isArray(frames)) throw new TypeError('it is no list');
  return frames;
}

/** Whether JSON gives the value back as it is, and is short. */
function isSmallJson(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return value.length <= SMALL_TEXT;
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'boolean':
      return true;
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth === MAX_DEPTH) return false;
  if (Array.isArray(value)) return value.every((item) => isSmallJson(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const name in value) {
    const field = (value as Readonly<Record<string, unknown>>)[name];
    if (field !== undefined && !isSmallJson(field, depth + 1)) return false;
  }
  return true;
}
