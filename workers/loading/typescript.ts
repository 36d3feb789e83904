/**
 * Tool modules in TypeScript, where Node does not run them by itself (before 22.18, or for syntax that is more than
 * types): by the author's own `tsx`, where one is installed.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
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

/** The folder of the author's tsx: beside the module, else where the gateway was started. */
function findTsx(origin: string): string | undefined {
  for (const place of [origin, join(process.cwd(), 'tools.js')]) {
    try {
      return dirname(createRequire(place).resolve('tsx/package.json'));
    } catch {
      // not there
    }
  }
  return undefined;
}

type Target = string | { readonly [condition: string]: Target };

/** What an ES module gets for an entry of a package's `exports`; `require.resolve` would say what a CommonJS one gets. */
function importTarget(target: Target | undefined): string | undefined {
  if (target === undefined || typeof target === 'string') return target;
  return importTarget(target['import'] ?? target['default']);
}

type Registrar = { readonly register: () => unknown };

/** Makes this thread run TypeScript. @returns false where there is no tsx that can be asked to. */
export async function provideTypeScript(origin: string): Promise<boolean> {
  const folder = findTsx(origin);
  if (folder === undefined) return false;
  const { exports }: { readonly exports: Readonly<Record<string, Target>> } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  const targets = ['./cjs/api', './esm/api'].map((entry) => importTarget(exports[entry]));
  for (const target of targets) {
    if (target === undefined) return false;
    const { register }: Registrar = await import(pathToFileURL(join(folder, target)).href);
    register();
  }
  return true;
}
