/**
 * Reads what TLS_CERT and TLS_KEY name, when the gateway starts and whenever it changes, and finds out whether TLS can be
 * spoken with it.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { FileWatch } from '../../async/file-watch.ts';
import { ToolError } from '../../call/tool-error.ts';
import type { ValuesOf } from '../../config/option.ts';
import type { TransportLog } from '../rendering/transport-log.ts';
import type { httpOptions } from './options.ts';
import type { TlsMaterial } from './server.ts';

type TlsPaths = Pick<ValuesOf<typeof httpOptions>, 'tlsCert' | 'tlsKey'>;

/** @throws {ToolError} `unavailable` when a TLS file cannot be read, or is no certificate, or not its key. */
export function readTlsFiles({ tlsCert, tlsKey }: TlsPaths): { readonly tls?: TlsMaterial } {
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

/**
 * Hands over a certificate and its key whenever the files have others that can be used; of those that cannot, the log
 * tells. Begins before the files are read the first time, so that no change is missed.
 */
export function watchTlsFiles(
  paths: TlsPaths,
  log: TransportLog,
  renew: (tls: TlsMaterial) => void,
): Pick<FileWatch, 'close'> | undefined {
  const { tlsCert, tlsKey } = paths;
  if (!tlsCert || !tlsKey) return undefined;
  return new FileWatch([tlsCert, tlsKey], () => {
    try {
      const { tls } = readTlsFiles(paths);
      if (!tls) return;
      renew(tls);
      const { validTo, subject } = new X509Certificate(tls.cert);
      log('info', 'the TLS certificate was read anew', { subject, validTo });
    } catch (error) {
      const reason = (error as Error).message;
      log('error', `the changed TLS certificate is not taken, the one before goes on: ${reason}`);
    }
  });
}
