/**
 * The wire format of Protocol Buffers (proto3), as far as the messages here use it: varints, doubles, texts, bytes and
 * messages in messages.
 *
 * P1. Reading never trusts a length: what goes beyond its message throws. Unknown fields are skipped, and of a field that
 *     is there twice the last one holds.
 * P2. Writing leaves out what is the default of its type, but where a field says that it is there (`optional`, `oneof`).
 * P3. Numbers are JavaScript's: a uint64 above 2^53 is as near as those come.
 */
import { isUtf8 } from 'node:buffer';
import { ToolError } from '../../call/tool-error.ts';

/** A field as it came: a number, or the bytes of a text or message. */
export type Field = number | Buffer;

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const malformed = (why: string): ToolError =>
  new ToolError('parse_error', `the message is not valid Protocol Buffers: ${why}`);

/** Calls `field` with each field of a message. @throws {ToolError} parse_error. */
export function readFields(message: Buffer, field: (number: number, value: Field) => void): void {
  let at = 0;
  const end = message.length;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) throw malformed('it ends within a number');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw malformed('a number is longer than ten bytes');
  };
  const fixed = (size: 4 | 8): number => {
    if (at + size > end) throw malformed('it ends within a number');
    at += size;
    return size === 8 ? message.readDoubleLE(at - size) : message.readUInt32LE(at - size);
  };
  while (at < end) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number === 0) throw malformed('a field has the number 0');
    switch (tag % 8) {
      case VARINT:
        field(number, varint());
        break;
      case FIXED64:
        field(number, fixed(8));
        break;
      case FIXED32:
        field(number, fixed(4));
        break;
      case BYTES: {
        const length = varint();
        if (length > end - at) throw malformed('a field is longer than what is there');
        field(number, message.subarray(at, at + length));
        at += length;
        break;
      }
      default:
        throw malformed(`a field has the wire type ${tag % 8}`);
    }
  }
}

/** @throws {ToolError} parse_error for what is no text. */
export function textOf(value: Field): string {
  if (typeof value === 'number') throw malformed('a number stands where a text should');
  if (!isUtf8(value)) throw malformed('a text is not UTF-8');
  return value.toString();
}

/** @throws {ToolError} parse_error for a number. */
export function bytesOf(value: Field): Buffer {
  if (typeof value === 'number') throw malformed('a number stands where a message should');
  return value;
}

/** @throws {ToolError} parse_error for what is no number. */
export function numberOf(value: Field): number {
  if (typeof value !== 'number') throw malformed('a text stands where a number should');
  return value;
}

/** A varint as characters whose codes are its bytes. */
export function varintText(value: number): string {
  let text = '';
  let rest = value;
  while (rest >= 0x80) {
    text += String.fromCharCode((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return text + String.fromCharCode(rest);
}

/** Writes one message, field by field. */
export class MessageWriter {
  readonly #parts: Buffer[] = [];
  /** Tags, lengths and short texts that wait to become bytes, as latin1. */
  #pending = '';

  number(field: number, value: number): this {
    return value === 0 ? this : this.numberThere(field, value);
  }

  /** The field is there whatever its value. */
  numberThere(field: number, value: number): this {
    this.#pending += varintText(field * 8 + VARINT) + varintText(value);
    return this;
  }

  double(field: number, value: number): this {
    return value === 0 ? this : this.doubleThere(field, value);
  }

  doubleThere(field: number, value: number): this {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeDoubleLE(value);
    this.#pending += varintText(field * 8 + FIXED64) + bytes.toString('latin1');
    return this;
  }

  text(field: number, value: string | undefined | null): this {
    return value ? this.textThere(field, value) : this;
  }

  textThere(field: number, value: string): this {
    const length = Buffer.byteLength(value);
    this.#pending += varintText(field * 8 + BYTES) + varintText(length);
    if (length === value.length) this.#pending += value;
    else this.#raw(Buffer.from(value));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#pending += varintText(field * 8 + BYTES) + varintText(value.length);
    this.#raw(value);
    return this;
  }

  /** @param message null: the field is left out. */
  message(field: number, message: MessageWriter | null): this {
    return message === null ? this : this.bytes(field, message.finish());
  }

  finish(): Buffer {
    if (this.#parts.length === 0) return Buffer.from(this.#pending, 'latin1');
    this.#flush();
    return Buffer.concat(this.#parts);
  }

  #raw(bytes: Uint8Array): void {
    this.#flush();
    this.#parts.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  #flush(): void {
    if (this.#pending === '') return;
    this.#parts.push(Buffer.from(this.#pending, 'latin1'));
    this.#pending = '';
  }
}
