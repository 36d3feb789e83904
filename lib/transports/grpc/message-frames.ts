/**
 * The messages of one direction of an RPC: a byte that says whether it is compressed, four of length, the message.
 *
 * F1. A message that is too large is refused by its length, before it is held.
 */
import { gunzipSync, inflateSync } from 'node:zlib';
import { ToolError } from '../../call/tool-error.ts';

const HEAD_BYTES = 5;

/** The codings that requests may have, as grpc-accept-encoding tells. */
export const ACCEPTED_CODINGS = 'identity,gzip,deflate';

export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(HEAD_BYTES + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, HEAD_BYTES);
  return framed;
}

export class FrameReader {
  readonly #maxBytes: number;
  readonly #coding: string | undefined;
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** Of the frame that is being read, its head included; 0 until its length is known. */
  #frameBytes = 0;

  /** @param coding the grpc-encoding of the request. */
  constructor(maxBytes: number, coding: string | undefined) {
    this.#maxBytes = maxBytes;
    this.#coding = coding;
  }

  /** True within a message. */
  get isPartial(): boolean {
    return this.#heldBytes > 0;
  }

  /**
   * Takes bytes as they come, and gives the messages that are whole.
   * @throws {ToolError} payload_too_large, unsupported_media_type, parse_error.
   */
  *read(bytes: Buffer): Generator<Buffer, void, void> {
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    while (this.#heldBytes >= (this.#frameBytes || HEAD_BYTES)) {
      if (this.#frameBytes === 0) {
        const length = this.#joined().readUInt32BE(1);
        if (length > this.#maxBytes) throw tooLarge(length, this.#maxBytes);
        this.#frameBytes = HEAD_BYTES + length;
        continue;
      }
      const all = this.#joined();
      const whole = all.subarray(0, this.#frameBytes);
      this.#held = all.length > whole.length ? [all.subarray(whole.length)] : [];
      this.#heldBytes -= whole.length;
      this.#frameBytes = 0;
      const message = whole.subarray(HEAD_BYTES);
      yield whole[0] === 0 ? message : this.#unpacked(message);
    }
  }

  #joined(): Buffer {
    const [first] = this.#held;
    const all = first !== undefined && this.#held.length === 1 ? first : Buffer.concat(this.#held);
    this.#held = [all];
    return all;
  }

  #unpacked(message: Buffer): Buffer {
    const unpack = { gzip: gunzipSync, deflate: inflateSync }[this.#coding ?? ''];
    if (!unpack) {
      const reason = `the message coding ${JSON.stringify(this.#coding ?? '')} is not known here; use gzip or none`;
      throw new ToolError('unsupported_media_type', reason);
    }
    try {
      return unpack(message, { maxOutputLength: this.#maxBytes });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
        throw tooLarge(undefined, this.#maxBytes);
      throw new ToolError('parse_error', `the message is not valid ${this.#coding}`);
    }
  }
}

const tooLarge = (length: number | undefined, most: number): ToolError =>
  new ToolError(
    'payload_too_large',
    `the message ${length === undefined ? 'is too large when unpacked' : `has ${length} bytes`}; at most ${most} are taken (MAX_BODY_BYTES)`,
  );
