/**
 * Loads tool modules into a registry, in a thread.
 *
 * L1. A failure is one sentence that names the module, the reason and the next step.
 * L2. A bare tool file beside nothing but an install of this package finds `mcp-streaming-gateway` and `zod`: where
 *     its own lookup fails, and only then, they resolve to this package's copies. The hook costs a thread about
 *     30 ms, so it is not installed for modules that load without it.
 */
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { Registry } from './registry.ts';

/** What a bare tool file may import without having installed it. */
const PROVIDED = ['mcp-streaming-gateway', 'zod'];

/** @throws {Error} for the first module that cannot be loaded; the message is fit for an operator. */
export async function loadModules(urls: readonly string[]): Promise<Registry> {
  const registry = new Registry();
  for (const url of urls) {
    const origin = url.startsWith('file:') ? fileURLToPath(url) : url;
    const exports = await importModule(url, origin);
    if (registry.addModule(exports, origin) === 0) {
      throw new Error(
        `${origin} exports no tool; export what defineTool() returns (one, an array, or the default export)`,
      );
    }
  }
  return registry;
}

async function importModule(url: string, origin: string): Promise<Record<string, unknown>> {
  try {
    return await import(url);
  } catch (error) {
    if (!lacksProvidedPackage(error)) throw explain(error, origin);
  }
  provideOwnPackages();
  try {
    // Node remembers a failed import by its URL; another query is another module.
    return await import(`${url}?provided`);
  } catch (error) {
    throw explain(error, origin);
  }
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

function lacksProvidedPackage(error: unknown): boolean {
  if (codeOf(error) !== 'ERR_MODULE_NOT_FOUND') return false;
  const message = String((error as Error).message);
  return PROVIDED.some((name) => message.includes(`'${name}'`));
}

let isProviding = false;

function provideOwnPackages(): void {
  if (isProviding) return;
  isProviding = true;
  const fallbacks = Object.fromEntries(
    ['mcp-streaming-gateway', 'zod', 'zod/v4', 'zod/mini'].flatMap((name) => {
      try {
        return [[name, import.meta.resolve(name)]];
      } catch {
        return [];
      }
    }),
  );
  const hook = `
    const fallbacks = ${JSON.stringify(fallbacks)};
    export async function resolve(specifier, context, next) {
      try {
        return await next(specifier, context);
      } catch (error) {
        const url = Object.hasOwn(fallbacks, specifier) ? fallbacks[specifier] : undefined;
        if (url === undefined || error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
        return { url, shortCircuit: true };
      }
    }`;
  module.register(`data:text/javascript,${encodeURIComponent(hook)}`);
}

function explain(error: unknown, origin: string): Error {
  const reason = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  if (
    code === 'ERR_UNKNOWN_FILE_EXTENSION' ||
    (code === undefined && /\.ts$/.test(origin) && error instanceof SyntaxError)
  ) {
    return new Error(
      `${origin} cannot be loaded: this Node (${process.version}) does not run TypeScript; use Node 22.18 or newer, ` +
        'start with NODE_OPTIONS="--import tsx" where tsx is installed, or compile it to JavaScript',
      { cause: error },
    );
  }
  if (code === 'ERR_MODULE_NOT_FOUND') {
    return new Error(`${origin} cannot be loaded: ${reason}; install the package or correct the path`, {
      cause: error,
    });
  }
  if (error instanceof SyntaxError && /outside a module|Unexpected token 'export'/.test(reason)) {
    return new Error(
      `${origin} cannot be loaded: it is an ES module, and the package.json beside it says otherwise; ` +
        'name it .mjs, or put "type": "module" there',
      { cause: error },
    );
  }
  return new Error(`${origin} failed while loading: ${reason}; correct the module`, {
    cause: error,
  });
}
