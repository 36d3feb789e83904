/**
 * Binary values in JSON text: `{"$base64": "…"}`, whatever kind of bytes a tool gives.
 *
 * By itself JSON writes a Buffer as a list of numbers and a typed array as an object with a member for each element,
 * which takes up to forty times its bytes of heap. So the prototypes have a `toJSON` that is asked instead.
 *
 * B1. It answers only within `writing`: what a tool stringifies itself looks as it always does.
 * B2. The bytes are counted before they are written; what does not fit any more stops the whole text.
 */

import { apply, bufferOf, ceil, inBase64 } from './intrinsics/captured.ts';

/** Thrown through JSON.stringify where the rest has no room; nobody else sees it. */
export const NO_ROOM = Symbol('no room');

const OVERHEAD = '{"$base64":""}'.length;

/** Bytes of text that may still be written; null outside of `writing`. */
let room: number | null = null;

/** @returns what `write` does, with binary values as base64 as far as they fit. @throws {symbol} NO_ROOM. */
export function writing(maxBytes: number, write: (value: unknown) => string | undefined, value: unknown) {
  room = maxBytes;
  try {
    return write(value);
  } finally {
    room = null;
  }
}

/** How many characters bytes become. */
export const base64Length = (bytes: number): number => ceil(bytes / 3) * 4 + OVERHEAD;

function encode(bytes: Buffer): { readonly $base64: string } {
  const length = base64Length(bytes.length);
  if (room === null || length > room) throw NO_ROOM;
  room -= length;
  return { $base64: inBase64(bytes) };
}

type View = ArrayBufferView<ArrayBufferLike>;
type Writer = (this: never, key: string) => unknown;

const ofView = ({ buffer, byteOffset, byteLength }: View): Buffer => bufferOf(buffer, byteOffset, byteLength);

function define(prototype: object, toJSON: Writer): void {
  Object.defineProperty(prototype, 'toJSON', { value: toJSON, writable: true, configurable: true });
}

/** To be called once on a thread, before tools load. */
export function writeBinaryAsBase64(): void {
  const viewToJson = function (this: View): unknown {
    return room === null ? this : encode(ofView(this));
  };
  const bufferToJson = function (this: ArrayBufferLike): unknown {
    return room === null ? this : encode(bufferOf(this));
  };
  const { toJSON } = Buffer.prototype;
  define(Buffer.prototype, function (this: Buffer): unknown {
    return room === null ? apply(toJSON, this, []) : encode(this);
  });
  define(Object.getPrototypeOf(Uint8Array.prototype) as object, viewToJson);
  define(DataView.prototype, viewToJson);
  define(ArrayBuffer.prototype, bufferToJson);
  define(SharedArrayBuffer.prototype, bufferToJson);
}
