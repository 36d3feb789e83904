/**
 * Loads tool modules into a registry, in a thread.
 *
 * L1. A failure is one sentence that names the module, the reason and the next step.
 * L2. A bare tool file beside nothing but an install of this package finds `mcp-streaming-gateway` and `zod`: where
 *     its own lookup fails, and only then, they resolve to this package's copies. Before Node 22.15 the hook for imports
 *     takes a further thread, 60 ms and 6 MiB, so it is not installed for modules that load without it. TypeScript is
 *     treated alike (typescript.ts).
 * L3. A module that is named holds a tool. In a folder of tools, one without is what the others import: it is skipped,
 *     with a notice.
 */
import module, { type ResolveHookSync } from 'node:module';
import { fileURLToPath } from 'node:url';
import { isFolderUrl, modulesIn } from '../../lib/runners/threads/modules/module-paths.ts';
import { almostTool } from './module-exports.ts';
import { Registry } from './registry.ts';
import { lacksTypeScript, provideTypeScript } from './typescript.ts';

/** What a bare tool file may import without having installed it. */
const PROVIDED = ['mcp-streaming-gateway', 'zod'];

const WHAT_TO_EXPORT = 'export what defineTool() returns (one, an array, or the default export)';

const originOf = (url: string): string => (url.startsWith('file:') ? fileURLToPath(url) : url);

/**
 * @param urls of modules and folders.
 * @throws {Error} for the first module that cannot be loaded; the message is fit for an operator.
 */
export async function loadModules(urls: readonly string[]): Promise<Registry> {
  const registry = new Registry();
  for (const url of urls) {
    if (isFolderUrl(url)) await loadFolder(url, registry);
    else if (!(await loadModule(url, registry)))
      throw new Error(`${originOf(url)} exports no tool; ${WHAT_TO_EXPORT}`);
  }
  return registry;
}

async function loadFolder(folder: string, registry: Registry): Promise<void> {
  const modules = modulesIn(folder);
  const skipped: string[] = [];
  for (const url of modules) if (!(await loadModule(url, registry))) skipped.push(originOf(url));
  if (skipped.length === modules.length)
    throw new Error(`no module in ${originOf(folder)} exports a tool; ${WHAT_TO_EXPORT}`);
  for (const origin of skipped) registry.notices.push(`${origin} exports no tool and was skipped`);
}

/** @returns whether it holds a definition. */
async function loadModule(url: string, registry: Registry): Promise<boolean> {
  const origin = originOf(url);
  const exports = await importModule(url, origin);
  if (registry.addModule(exports, origin) > 0) return true;
  const almost = almostTool(exports);
  if (almost === undefined) return false;
  throw new Error(
    `${origin} exports no tool: "${almost}" is not made by defineTool(); export defineTool({ … })`,
  );
}

/** What makes an import work that has failed; each is tried once. */
type Remedy = 'provided' | 'typescript';

async function importModule(url: string, origin: string): Promise<Record<string, unknown>> {
  const tried = new Set<Remedy>();
  for (;;) {
    try {
      // Node remembers a failed import by its URL; another query is another module.
      return await import(tried.size === 0 ? url : `${url}?${[...tried].join('&')}`);
    } catch (error) {
      const remedy = remedyFor(error, origin);
      if (remedy === null || tried.has(remedy) || !(await apply(remedy, origin)))
        throw explain(error, origin);
      tried.add(remedy);
    }
  }
}

function remedyFor(error: unknown, origin: string): Remedy | null {
  if (lacksProvidedPackage(error)) return 'provided';
  return lacksTypeScript(error, origin) ? 'typescript' : null;
}

let runsTypeScript = false;

async function apply(remedy: Remedy, origin: string): Promise<boolean> {
  if (remedy === 'provided') {
    provideOwnPackages();
    return true;
  }
  runsTypeScript ||= await provideTypeScript(origin);
  return runsTypeScript;
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/** The codes of a failed import and of a failed require. */
const NOT_FOUND: readonly unknown[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];

function lacksProvidedPackage(error: unknown): boolean {
  if (!NOT_FOUND.includes(codeOf(error))) return false;
  const message = String((error as Error).message);
  return PROVIDED.some((name) => message.includes(`'${name}'`));
}

const FALLBACKS = ['mcp-streaming-gateway', 'zod', 'zod/v4', 'zod/mini'];

/** Where this package finds what it provides. */
function ownCopies(resolve: (name: string) => string): Readonly<Record<string, string>> {
  const found = FALLBACKS.flatMap((name) => {
    try {
      return [[name, resolve(name)]];
    } catch {
      return [];
    }
  });
  return Object.fromEntries(found);
}

let isProviding = false;

function provideOwnPackages(): void {
  if (isProviding) return;
  isProviding = true;
  const imported = ownCopies((name) => import.meta.resolve(name));
  const { registerHooks } = module as Partial<typeof module>;
  if (registerHooks) {
    registerHooks({ resolve: resolveOrProvide(imported) });
    return;
  }
  provideToRequire();
  const hook = `
    const fallbacks = ${JSON.stringify(imported)};
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

/** Asked for imports and for `require`, on the thread itself. */
const resolveOrProvide =
  (fallbacks: Readonly<Record<string, string>>): ResolveHookSync =>
  (specifier, context, next) => {
    try {
      return next(specifier, context);
    } catch (error) {
      const url = Object.hasOwn(fallbacks, specifier) ? fallbacks[specifier] : undefined;
      if (url === undefined || !NOT_FOUND.includes(codeOf(error))) throw error;
      return { url, shortCircuit: true };
    }
  };

type ResolveFilename = (request: string, ...rest: unknown[]) => string;

/** Where the hook is asked for imports alone. */
function provideToRequire(): void {
  const loader = module as unknown as { _resolveFilename: ResolveFilename };
  const fallbacks = ownCopies(module.createRequire(import.meta.url).resolve);
  const resolve = loader._resolveFilename;
  loader._resolveFilename = function (this: unknown, request, ...rest) {
    try {
      return resolve.call(this, request, ...rest);
    } catch (error) {
      const path = Object.hasOwn(fallbacks, request) ? fallbacks[request] : undefined;
      if (path === undefined || codeOf(error) !== 'MODULE_NOT_FOUND') throw error;
      return path;
    }
  };
}

/** What follows is the way by which it was required. */
const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

function explain(error: unknown, origin: string): Error {
  const reason = error instanceof Error ? error.message : String(error);
  const code = codeOf(error);
  if (lacksTypeScript(error, origin) && !runsTypeScript) {
    return new Error(
      `${origin} cannot be loaded: this Node (${process.version}) does not run its TypeScript (${reason}); install tsx ` +
        'beside it (npm install tsx), use Node 22.18 or newer, or compile it to JavaScript',
      { cause: error },
    );
  }
  if (NOT_FOUND.includes(code)) {
    return new Error(
      `${origin} cannot be loaded: ${firstLine(reason)}; install the package or correct the path`,
      {
        cause: error,
      },
    );
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
