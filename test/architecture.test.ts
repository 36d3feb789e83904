/**
 * The rules of the tree, checked on its sources: who may import whom, no cycles, file size, file headers, names.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What each part of the tree may import, besides packages. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  call: [],
  async: [],
  tool: ['call'],
  config: ['call'],
  access: ['call'],
  observe: ['call', 'runners'],
  runners: ['call', 'async'],
  dispatch: ['call', 'async', 'runners'],
  transports: ['call', 'async', 'runners', 'dispatch', 'access'],
  workers: ['call', 'async', 'runners', 'tool'],
  gateway: ['call', 'async', 'config', 'access', 'observe', 'runners', 'dispatch', 'transports'],
  index: ['call', 'tool', 'runners', 'gateway', 'config'],
  bin: ['index', 'config'],
};

/** `index` may use these at run time only through `import()`: tool modules load it in threads. */
const LOADED_LATE = ['gateway', 'config'];
const BANNED_NAMES = /^(?:utils?|helpers?|common|shared|types|misc|manager)$/;
const MAX_LINES = 400;

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly { readonly path: string; readonly isLate: boolean; readonly isType: boolean }[];
  /** Names of the packages that are loaded with it. */
  readonly packages: readonly string[];
}

function sourcesIn(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readSource(join(folder, name)));
}

function readSource(path: string): Source {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const found = text.matchAll(/(?:^(import|export)\s+(type\s)?[^;'"]*?from\s+|(\bimport)\()'(\.[^']+)'/gm);
  const imports = [...found].map(([, , type, late, target]) => ({
    path: relative(ROOT, resolve(ROOT, dirname(path), target ?? '')),
    isLate: late !== undefined,
    isType: type !== undefined,
  }));
  const bare = text.matchAll(/^(?:import|export)\s+(?!type\s)[^;'"]*?from\s+'(?!node:|\.)([^']+)'/gm);
  const packages = [...bare].map(([, specifier = '']) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '');
  return { path, text, imports, packages };
}

/** The part of the tree that a file belongs to. */
function partOf(path: string): string {
  const [top, second = ''] = path.split('/');
  if (top !== 'lib') return top ?? '';
  return second.endsWith('.ts') ? basename(second, '.ts') : second;
}

const sources = [...sourcesIn('lib'), ...sourcesIn('workers'), ...sourcesIn('bin')];
const byPath = new Map(sources.map((source) => [source.path, source]));

/** The sources that are loaded with a file, itself included: what its threads and clients wait for. */
function loadedWith(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path) || !byPath.has(path)) return seen;
  seen.add(path);
  for (const { path: target, isLate, isType } of byPath.get(path)?.imports ?? [])
    if (!isLate && !isType) loadedWith(target, seen);
  return seen;
}

function packagesLoadedWith(...paths: readonly string[]): string[] {
  const loaded = paths.flatMap((path) => [...loadedWith(path)]);
  return [...new Set(loaded.flatMap((path) => byPath.get(path)?.packages ?? []))].sort();
}

describe('the architecture', () => {
  it('lets each folder import only what the table allows', () => {
    const wrong: string[] = [];
    for (const { path, imports } of sources) {
      const from = partOf(path);
      for (const { path: target } of imports) {
        const to = partOf(target);
        if (to !== from && !ALLOWED[from]?.includes(to)) wrong.push(`${path} imports ${target}`);
      }
    }
    expect(wrong).to.deep.equal([]);
  });

  it('keeps the gateway out of the threads: the public API loads it late', () => {
    const index = sources.find(({ path }) => path === 'lib/index.ts');
    const early = index?.imports.filter(
      ({ path, isLate, isType }) => LOADED_LATE.includes(partOf(path)) && !isLate && !isType,
    );
    expect(early).to.deep.equal([]);
  });

  it('loads no more than the command line and the pool before the threads start', () => {
    expect(
      packagesLoadedWith('bin/main.ts', 'bin/serve.ts', 'lib/config/load.ts', 'lib/gateway.ts'),
    ).to.deep.equal(['commander', 'pino', 'piscina']);
  });

  it('opens the HTTP doors without the MCP SDK, which only sessions need', () => {
    const doors = ['access/access', 'transports/http/http-host', 'transports/mcp/http/mcp-endpoint'];
    const packages = packagesLoadedWith(...doors.map((door) => `lib/${door}.ts`));
    expect(packages).to.deep.equal(['better-sse', 'express', 'rate-limiter-flexible', 'ws']);
  });

  it('names the MCP SDK and the token library only in the folders that exist for them', () => {
    const rooms: Readonly<Record<string, RegExp>> = {
      '@modelcontextprotocol/sdk': /^lib\/transports\/mcp\/(?:sessions|stdio)\//,
      jose: /^lib\/transports\/mcp\/http\//,
    };
    const wrong = Object.entries(rooms).flatMap(([name, room]) => {
      // Types and late imports too: they tie a file to a package as well.
      const named = new RegExp(`(?:\\bfrom\\s+|\\bimport\\(\\s*|^import\\s+)'${name}(?:/[^']*)?'`, 'm');
      return sources
        .filter(({ path, text }) => named.test(text) && !room.test(path))
        .map(({ path }) => `${path} names ${name}`);
    });
    expect(wrong).to.deep.equal([]);
  });

  it('has no import cycle', () => {
    const done = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      expect(trail, `cycle: ${[...trail, path].join(' → ')}`).not.to.include(path);
      if (done.has(path)) return;
      const eager = byPath.get(path)?.imports.filter(({ isLate, isType }) => !isLate && !isType) ?? [];
      for (const { path: target } of eager) visit(target, [...trail, path]);
      done.add(path);
    };
    for (const { path } of sources) visit(path, []);
  });

  it('exports no value that no other file asks for', () => {
    const entries = ['lib/index.ts', 'workers/tools/index.ts'];
    // The benchmark has packages of its own beside it, and uses what is built.
    const tests = readdirSync(join(ROOT, 'test')).filter((name) => name !== 'bench' && !name.includes('.'));
    const all = [...sources, ...tests.flatMap((name) => sourcesIn(join('test', name)))];
    const idle = sources
      .filter(({ path }) => !entries.includes(path))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/^export (?:const|class|(?:async )?function\*?) (\w+)/gm)]
          .map(([, name = '']) => name)
          .filter((name) => {
            const named = new RegExp(`\\b${name}\\b`);
            return !all.some((other) => other.path !== path && named.test(other.text));
          })
          .map((name) => `${path} exports ${name}`),
      );
    expect(idle).to.deep.equal([]);
  });

  it('has no file above 400 lines whose header does not say why', () => {
    const long = sources.filter(({ text }) => text.split('\n').length > MAX_LINES + 1);
    const unexplained = long.filter(({ text }) => !/Length:/.test(text.slice(0, text.indexOf('*/'))));
    expect(unexplained.map(({ path }) => path)).to.deep.equal([]);
  });

  it('opens every file with a comment that says what it is', () => {
    const bare = sources.filter(({ text }) => !/^(?:#!.*\n)?\/\*\*/.test(text));
    expect(bare.map(({ path }) => path)).to.deep.equal([]);
  });

  it('names no folder and no file after a drawer', () => {
    const named = sources.flatMap(({ path }) => path.replace(/\.ts$/, '').split('/'));
    expect(named.filter((name) => BANNED_NAMES.test(name))).to.deep.equal([]);
  });
});
