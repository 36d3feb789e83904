/**
 * Reads a JSON request body, within a size.
 *
 * B1. Only `application/json` in UTF-8, as it is or in gzip: a form of another site cannot send that. It is what every
 *     MCP client sends; types in `+json` (json-patch, merge-patch, ld) mean something else than a call.
 * B2. A body declared too large is refused before it is read; a chunked one as soon as it is too large; one in gzip as
 *     soon as it is while it is unpacked.
 */
import { ToolError } from '../../call/tool-error.ts';
import { parseJsonBytes } from '../rendering/bounded-json.ts';
import { isPacked, packedBound, unpackBody } from './content-coding.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';

/** How long the rest of a refused upload is thrown away, so that its sender can read the refusal. */
const LINGER_MS = 1000;

/** A parameter of a media type (RFC 9110, 5.6.6): `; name=value` or `; name="value"`, or what is left of one. */
const PARAMETER = /[ \t]*;[ \t]*(?:([!#$%&'*+.^_`|~\w-]+)(?:=([!#$%&'*+.^_`|~\w-]+|"(?:[^"\\]|\\.)*"))?)?/y;

/** @throws {ToolError} unsupported_media_type */
export function requireJson({ headers }: GatewayRequest): void {
  const type = headers['content-type'];
  if (type !== 'application/json' && !isJsonInUtf8(type ?? '')) {
    throw new ToolError(
      'unsupported_media_type',
      `content type ${JSON.stringify(type ?? '')} is not accepted; send application/json in UTF-8`,
    );
  }
  isPacked(headers['content-encoding']);
}

function isJsonInUtf8(type: string): boolean {
  const [essence = ''] = /^[^\s;]*/.exec(type) ?? [];
  if (essence.toLowerCase() !== 'application/json') return false;
  let at = essence.length;
  while (at < type.length) {
    PARAMETER.lastIndex = at;
    const [whole, name, value] = PARAMETER.exec(type) ?? [''];
    if (whole === '') return false;
    if (name?.toLowerCase() === 'charset' && !/^"?utf-?8"?$/i.test(value ?? '')) return false;
    at += whole.length;
  }
  return true;
}

/**
 * Reads and parses the body.
 * @throws {ToolError} payload_too_large, parse_error, too_complex, unsupported_media_type; cancelled when the client left meanwhile.
 */
export async function readJsonBody(
  request: GatewayRequest,
  response: GatewayResponse,
  maxBytes: number,
): Promise<unknown> {
  const { headers } = request;
  const packed = isPacked(headers['content-encoding']);
  const most = packed ? packedBound(maxBytes) : maxBytes;
  if (Number(headers['content-length'] ?? 0) > most) throw tooLarge(request, response, maxBytes);
  if (request.awaitsContinue) response.writeContinue();
  const bytes = await readBytes(request, response, most, maxBytes);
  return parseJsonBytes(packed ? await unpackBody(bytes, maxBytes) : bytes);
}

/** @param maxBytes what a refusal names, where `most` are not to be exceeded. */
function readBytes(
  request: GatewayRequest,
  response: GatewayResponse,
  most: number,
  maxBytes: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let size = 0;
    const part = (bytes: Buffer): void => {
      if (size > most) return; // it is refused
      size += bytes.length;
      if (size > most) {
        more = undefined;
        reject(tooLarge(request, response, maxBytes));
      } else if (first === undefined) first = bytes;
      else if (more === undefined) more = [first, bytes];
      else more.push(bytes);
    };
    const end = () => resolve(more ? Buffer.concat(more) : (first ?? Buffer.alloc(0)));
    const cut = () => reject(new ToolError('cancelled', 'the client left before its body was complete'));
    if (!request.takeBody({ part, end, cut })) request.on('data', part).on('end', end).on('error', cut);
  });
}

function tooLarge(request: GatewayRequest, response: GatewayResponse, maxBytes: number): ToolError {
  request.resume();
  response.once('finish', () => {
    const end = setTimeout(() => !request.complete && request.socket.destroy(), LINGER_MS);
    end.unref();
  });
  return new ToolError('payload_too_large', `the body is larger than ${maxBytes} bytes (MAX_BODY_BYTES)`);
}
