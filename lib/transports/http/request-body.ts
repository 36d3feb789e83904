/**
 * Reads a JSON request body, within a size.
 *
 * B1. Only `application/json` in UTF-8 without compression: a form of another site cannot send that. It is what every
 *     MCP client sends; types in `+json` (json-patch, merge-patch, ld) mean something else than a call.
 * B2. A body declared too large is refused before it is read; a chunked one as soon as it is too large.
 */
import { ToolError } from '../../call/tool-error.ts';
import { parseJsonBytes } from '../rendering/bounded-json.ts';
import type { GatewayRequest, GatewayResponse } from './gateway-message.ts';

/** How long the rest of a refused upload is thrown away, so that its sender can read the refusal. */
const LINGER_MS = 1000;

/** @throws {ToolError} unsupported_media_type */
export function requireJson({ headers }: GatewayRequest): void {
  const type = headers['content-type'];
  if (type !== 'application/json') {
    const [essence = '', ...parameters] = (type ?? '').toLowerCase().split(';');
    const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith('charset='));
    const isJson = essence.trim() === 'application/json';
    if (!isJson || (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset))) {
      throw new ToolError(
        'unsupported_media_type',
        `content type ${JSON.stringify(type ?? '')} is not accepted; send application/json in UTF-8`,
      );
    }
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw new ToolError(
      'unsupported_media_type',
      `content encoding ${JSON.stringify(encoding)} is not accepted; send the body uncompressed`,
    );
  }
}

/**
 * Reads and parses the body.
 * @throws {ToolError} payload_too_large, parse_error, too_complex; cancelled when the client left meanwhile.
 */
export async function readJsonBody(
  request: GatewayRequest,
  response: GatewayResponse,
  maxBytes: number,
): Promise<unknown> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(request, response, maxBytes);
  if (request.awaitsContinue) response.writeContinue();
  return parseJsonBytes(await readBytes(request, response, maxBytes));
}

function readBytes(request: GatewayRequest, response: GatewayResponse, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let first: Buffer | undefined;
    let more: Buffer[] | undefined;
    let size = 0;
    request.on('data', (part: Buffer) => {
      size += part.length;
      if (size > maxBytes) {
        request.removeAllListeners('data');
        reject(tooLarge(request, response, maxBytes));
      } else if (first === undefined) first = part;
      else if (more === undefined) more = [first, part];
      else more.push(part);
    });
    request.on('end', () => resolve(more ? Buffer.concat(more) : (first ?? Buffer.alloc(0))));
    request.on('error', () =>
      reject(new ToolError('cancelled', 'the client left before its body was complete')),
    );
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
