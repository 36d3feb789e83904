/**
 * Reads what TLS_CERT and TLS_KEY name.
 */
import { readFileSync } from 'node:fs';
import { ToolError } from '../protocol/tool-error.ts';
import type { Config } from './options.ts';

/** @throws {ToolError} `unavailable` when a TLS file cannot be read. */
export function readTlsFiles({ tlsCert, tlsKey }: Pick<Config, 'tlsCert' | 'tlsKey'>) {
  if (!tlsCert || !tlsKey) return {};
  const read = (path: string, option: string) => {
    try {
      return readFileSync(path);
    } catch (error) {
      throw new ToolError('unavailable', `${option} cannot be read: ${(error as Error).message}`);
    }
  };
  return { tls: { cert: read(tlsCert, 'TLS_CERT'), key: read(tlsKey, 'TLS_KEY') } };
}
