/**
 * Reads what TLS_CERT and TLS_KEY name, and finds out whether TLS can be spoken with it.
 */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { ToolError } from '../../call/tool-error.ts';
import type { ValuesOf } from '../../config/option.ts';
import type { httpOptions } from './options.ts';

/** @throws {ToolError} `unavailable` when a TLS file cannot be read, or is no certificate, or not its key. */
export function readTlsFiles({ tlsCert, tlsKey }: Pick<ValuesOf<typeof httpOptions>, 'tlsCert' | 'tlsKey'>) {
  if (!tlsCert || !tlsKey) return {};
  const read = (path: string, option: string) => {
    try {
      return readFileSync(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new ToolError('unavailable', `${option}, ${path}, cannot be read (${code}); correct the path`);
    }
  };
  const tls = { cert: read(tlsCert, 'TLS_CERT'), key: read(tlsKey, 'TLS_KEY') };
  try {
    createSecureContext(tls);
  } catch (error) {
    throw new ToolError(
      'unavailable',
      `TLS_CERT, ${tlsCert}, and TLS_KEY, ${tlsKey}, cannot be used (${(error as Error).message}); expected a ` +
        'certificate chain and the private key that belongs to it, both in PEM without a passphrase',
    );
  }
  return { tls };
}
