/**
 * Tool modules in TypeScript, where Node does not run them by itself (before 22.18, or for syntax that is more than
 * types): by the author's own `tsx`, where one is installed.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const CODES = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
]);

/** Whether an import failed for want of TypeScript. */
export function lacksTypeScript(error: unknown, origin: string): boolean {
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION') return /\.[cm]?ts\b/.test(String(message));
  if (CODES.has(String(code))) return true;
  return code === undefined && /\.[cm]?ts$/.test(origin) && error instanceof SyntaxError;
}

/** Where to look for a package of the author: beside the module, then where the gateway was started. */
function resolveFrom(origin: string, specifier: string): string | undefined {
  for (const place of [origin, join(process.cwd(), 'tools.js')]) {
    try {
      return createRequire(place).resolve(specifier);
    } catch {
      // not there
    }
  }
  return undefined;
}

type Registrar = { readonly register: () => unknown };

/** Makes this thread run TypeScript. @returns false where there is no tsx. */
export async function provideTypeScript(origin: string): Promise<boolean> {
  const esm = resolveFrom(origin, 'tsx/esm/api');
  const cjs = resolveFrom(origin, 'tsx/cjs/api');
  if (esm === undefined || cjs === undefined) return false;
  for (const path of [cjs, esm]) {
    const { register }: Registrar = await import(pathToFileURL(path).href);
    register();
  }
  return true;
}
