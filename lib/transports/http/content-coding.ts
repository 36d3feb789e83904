/**
 * Content codings (RFC 9110, 8.4): gzip of request bodies, gzip and Brotli of answers.
 *
 * Z1. All of it runs on libuv's threads, which tools use as well: only large answers are compressed, a few at a time,
 *     and sent as they are where those few are busy.
 * Z2. A body is unpacked up to its bound and not beyond.
 */
import { promisify } from 'node:util';
import { brotliCompress, constants, gunzip, gzip } from 'node:zlib';
import { ToolError } from '../../call/tool-error.ts';
import { qualityIn, weighedList } from './negotiation.ts';

/** The least that is compressed, in bytes: below it, time is saved by sending it at once. */
export const COMPRESSED_FROM = 16 * 1024;
/** Answers that are compressed at once: as many as libuv has threads. */
const MAX_AT_ONCE = 4;
/** Packs JSON about as small as gzip's default does, in less time. */
const BROTLI_QUALITY = 4;
/** What a packed body may have beyond its bound, so that one that hardly shrinks is not refused for its framing. */
const FRAMING_BYTES = 1024;

/** As the name of what is acceptable stands in an answer's headers. */
export type Coding = 'gzip' | 'br';

const unpack = promisify(gunzip);
const packInBrotli = promisify(brotliCompress);
const packers: Readonly<Record<Coding, (text: Buffer) => Promise<Buffer>>> = {
  gzip: promisify<Buffer, Buffer>(gzip),
  br: (text) => packInBrotli(text, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
};

let running = 0;

/**
 * Whether a request body is packed.
 * @throws {ToolError} unsupported_media_type for any coding but gzip, and for gzip in gzip.
 */
export function isPacked(contentEncoding: string | undefined): boolean {
  if (contentEncoding === undefined) return false;
  const codings = contentEncoding
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (codings.length === 0) return false;
  if (codings.length === 1 && (codings[0] === 'gzip' || codings[0] === 'x-gzip')) return true;
  throw new ToolError(
    'unsupported_media_type',
    `content encoding ${JSON.stringify(contentEncoding)} is not accepted; send the body in gzip, or as it is`,
    { details: { acceptEncoding: ['gzip'] } },
  );
}

/** True for the refusal of a coding, which says in a header what is accepted (RFC 9110, 12.5.3). */
export const isCodingRefusal = ({ code, details }: ToolError): boolean =>
  code === 'unsupported_media_type' &&
  (details as { acceptEncoding?: unknown } | undefined)?.acceptEncoding !== undefined;

/** How large a packed body may be that is within `maxBytes` once it is unpacked. */
export const packedBound = (maxBytes: number): number => maxBytes + (maxBytes >> 10) + FRAMING_BYTES;

/**
 * Unpacks a whole body.
 * @throws {ToolError} payload_too_large where there is more in it than `maxBytes`; parse_error where it is no gzip.
 */
export async function unpackBody(bytes: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await unpack(bytes, { maxOutputLength: maxBytes, chunkSize: COMPRESSED_FROM * 4 });
  } catch (thrown) {
    const { code, message } = thrown as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      const text = `the body is larger than ${maxBytes} bytes once it is unpacked (MAX_BODY_BYTES)`;
      throw new ToolError('payload_too_large', text);
    }
    if (code !== 'Z_DATA_ERROR' && code !== 'Z_BUF_ERROR') throw thrown;
    throw new ToolError('parse_error', `the body is not gzip as its Content-Encoding says (${message})`);
  }
}

/**
 * The coding to send `bytes` of JSON in, by a request's Accept-Encoding; undefined: they are sent as they are. That is
 * so for few bytes, unless the header refuses just that, and where nothing is accepted at all: what a tool gave is
 * better than a refusal.
 */
export function chooseCoding(acceptEncoding: string | undefined, bytes: number): Coding | undefined {
  if (!acceptEncoding || (bytes < COMPRESSED_FROM && !acceptEncoding.includes('q=0'))) return undefined;
  const list = weighedList(acceptEncoding);
  const gzipQuality = qualityIn(list, ['gzip', 'x-gzip', '*']) ?? 0;
  const brotliQuality = qualityIn(list, ['br', '*']) ?? 0;
  const best = Math.max(gzipQuality, brotliQuality);
  if (best === 0) return undefined;
  // What is not named is acceptable, and the last choice.
  if (best < (qualityIn(list, ['identity']) ?? 0)) return undefined;
  if (bytes < COMPRESSED_FROM && qualityIn(list, ['identity', '*']) !== 0) return undefined;
  return brotliQuality >= gzipQuality ? 'br' : 'gzip';
}

/** Packs a text; undefined where enough of them are being packed already. Never rejects: null where it failed. */
export function pack(text: string, coding: Coding): Promise<Buffer | null> | undefined {
  if (running >= MAX_AT_ONCE) return undefined;
  running++;
  return packers[coding](Buffer.from(text))
    .catch(() => null)
    .finally(() => {
      running--;
    });
}
