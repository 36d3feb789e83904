/**
 * The rules of the tree, checked on its sources: who may import whom, no cycles, file size, file headers, names.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What each room may import, besides packages and itself; rooms within a room are named by their path. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'lib/call': [],
  'lib/async': [],
  'lib/supervise': ['lib/async'],
  'lib/tool': ['lib/call'],
  'lib/config': ['lib/call', 'lib/runners/index.ts'],
  'lib/access': ['lib/call', 'lib/async'],
  'lib/observe': ['lib/call', 'lib/async', 'lib/runners'],
  'lib/runners': ['lib/call', 'lib/async'],
  'lib/runners/index.ts': ['lib/runners/threads', 'lib/runners/process', 'lib/runners/upstream'],
  'lib/runners/upstream': ['lib/call', 'lib/async', 'lib/runners'],
  'lib/runners/threads': ['lib/call', 'lib/async', 'lib/runners'],
  'lib/runners/host': ['lib/call', 'lib/async', 'lib/runners', 'lib/runners/threads'],
  'lib/runners/process': ['lib/call', 'lib/async', 'lib/runners', 'lib/runners/threads', 'lib/runners/host'],
  'lib/fleet': ['lib/call', 'lib/async', 'lib/runners'],
  'lib/dispatch': ['lib/call', 'lib/async', 'lib/runners'],
  'lib/transports': ['lib/call', 'lib/async', 'lib/runners', 'lib/dispatch', 'lib/access'],
  workers: ['lib/call', 'lib/async', 'lib/tool', 'lib/runners', 'lib/runners/threads'],
  'lib/gateway.ts': [
    'lib/call',
    'lib/async',
    'lib/config',
    'lib/access',
    'lib/observe',
    'lib/runners',
    'lib/runners/index.ts',
    'lib/fleet',
    'lib/dispatch',
    'lib/transports',
  ],
  'lib/index.ts': [
    'lib/call',
    'lib/tool',
    'lib/runners',
    'lib/gateway.ts',
    'lib/config',
    'lib/access',
    'lib/dispatch',
    'lib/transports',
  ],
  'lib/testing.ts': ['lib/call', 'lib/index.ts'],
  bin: ['lib/index.ts', 'lib/config', 'lib/supervise'],
};

/** The rooms that may name each package that the product depends on. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@opentelemetry/api': ['lib/observe/tracing'],
  '@modelcontextprotocol/sdk': ['lib/transports/mcp/sessions', 'lib/transports/mcp/stdio'],
  ajv: ['workers/loading'],
  'ajv-draft-04': ['workers/loading'],
  'ajv-formats': ['workers/loading'],
  'better-sqlite3': ['workers/tools'],
  'better-sse': ['lib/transports/sse'],
  bullmq: ['lib/fleet'],
  commander: ['bin'],
  express: ['lib/transports/http'],
  graphql: ['lib/transports/graphql'],
  ioredis: ['lib/fleet'],
  jose: ['lib/transports/mcp/http'],
  pg: ['workers/tools'],
  pino: ['lib/observe'],
  'pino-pretty': ['lib/observe'],
  piscina: ['lib/runners/threads/piscina'],
  'rate-limiter-flexible': ['lib/access', 'lib/fleet/gateway'],
  ws: ['lib/transports/http', 'lib/transports/websocket', 'lib/transports/graphql'],
  zod: ['lib/tool', 'workers/loading', 'workers/tools'],
};

/** Rooms declare their options in files of this name, with words of `lib/config`, which merges them into a table. */
const isOptions = (path: string): boolean => basename(path) === 'options.ts';
const LISTS = ['lib/runners/index.ts', 'lib/transports/index.ts'];
const OPTION_WORDS = ['lib/config/option.ts', 'lib/config/value-kind.ts'];

/** `index` may use these at run time only through `import()`: tool modules load it in threads. */
const LOADED_LATE = ['lib/gateway.ts', 'lib/config'];
const BANNED_NAMES = /^(?:utils?|helpers?|common|shared|types|misc|manager)$/;
const MAX_LINES = 400;

/** What is in its texts is source of others. */
const WRITES_SOURCES = 'bin/init/template.ts';

interface Source {
  readonly path: string;
  readonly text: string;
  /** The text without its comments. */
  readonly code: string;
  readonly imports: readonly { readonly path: string; readonly isLate: boolean; readonly isType: boolean }[];
  /** Names of the packages that are loaded with it. */
  readonly packages: readonly string[];
}

/** A program of its own, for browsers: bundled, and loaded by nothing here. */
const PAGE = 'lib/transports/console/page';

function sourcesIn(folder: string): Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => path.endsWith('.ts') && !path.startsWith(`${PAGE}/`))
    .map(readSource);
}

function readSource(path: string): Source {
  const whole = readFileSync(join(ROOT, path), 'utf8');
  const text = path === WRITES_SOURCES ? whole.replace(/`(?:\\.|[^`\\])*`/gs, '``') : whole;
  const found = text.matchAll(/(?:^(import|export)\s+(type\s)?[^;'"]*?from\s+|(\bimport)\()'(\.[^']+)'/gm);
  const imports = [...found].map(([, , type, late, target]) => ({
    path: relative(ROOT, resolve(ROOT, dirname(path), target ?? '')),
    isLate: late !== undefined,
    isType: type !== undefined,
  }));
  const bare = text.matchAll(/^(?:import|export)\s+(?!type\s)[^;'"]*?from\s+'(?!node:|\.)([^']+)'/gm);
  const packages = [...bare].map(([, specifier = '']) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '');
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
  return { path, text, code, imports, packages };
}

/** The innermost room that a file belongs to. */
function roomOf(path: string): string {
  const rooms = Object.keys(ALLOWED).filter((room) => path === room || path.startsWith(`${room}/`));
  return rooms.reduce((inner, room) => (room.length > inner.length ? room : inner), '');
}

function mayImport(from: string, to: string): boolean {
  if (OPTION_WORDS.includes(to)) return true;
  if (roomOf(from) === 'lib/config' && (isOptions(to) || LISTS.includes(to))) return true;
  return roomOf(from) === roomOf(to) || (ALLOWED[roomOf(from)]?.includes(roomOf(to)) ?? false);
}

const sources = [...sourcesIn('lib'), ...sourcesIn('workers'), ...sourcesIn('bin')];
const byPath = new Map(sources.map((source) => [source.path, source]));

/** What users of the package, and the threads, ask for by name. */
const ENTRIES = ['lib/index.ts', 'lib/testing.ts', 'workers/tools/index.ts'];
/** Members that a package asks for, since the class is one of its interfaces. */
const CALLED_BY_PACKAGES = ['onerror', 'sendHead', 'sendChunk', 'cleanup', 'getValidator'];

const words = new Map<string, number>();
for (const { code } of sources)
  for (const [word] of code.matchAll(/\w+/g)) words.set(word, (words.get(word) ?? 0) + 1);

/** How often a name stands in the sources, its definition included. */
const uses = (name: string): number => words.get(name) ?? 0;

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
  it('lets each room import only what the table allows', () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports
        .filter(({ path: target }) => !mayImport(path, target))
        .map(({ path: target }) => `${path} imports ${target}`),
    );
    expect(wrong).to.deep.equal([]);
  });

  it('lets no file of options load a package', () => {
    expect(packagesLoadedWith(...sources.map(({ path }) => path).filter(isOptions))).to.deep.equal([]);
  });

  it('keeps the gateway out of the threads: the public API loads it late', () => {
    const index = sources.find(({ path }) => path === 'lib/index.ts');
    const early = index?.imports.filter(
      ({ path, isLate, isType }) => LOADED_LATE.includes(roomOf(path)) && !isLate && !isType,
    );
    expect(early).to.deep.equal([]);
  });

  it('loads no more than the command line and the log before the runners, which load what they run with', () => {
    expect(
      packagesLoadedWith('bin/main.ts', 'bin/serve.ts', 'lib/config/load.ts', 'lib/gateway.ts'),
    ).to.deep.equal(['commander', 'pino']);
  });

  it('listens without the MCP SDK, which only sessions need', () => {
    const late = [...byPath.keys()].filter((path) => /^lib\/transports\/.*-transport\.ts$/.test(path));
    const listening = late.filter((path) => !path.includes('stdio'));
    const packages = packagesLoadedWith(
      'lib/access/access.ts',
      'lib/transports/http/http-host.ts',
      ...listening,
    );
    expect(packages).to.deep.equal(['better-sse', 'express', 'rate-limiter-flexible', 'ws']);
  });

  it('lets no transport know another: they share the listening socket and the rendering', () => {
    const shared = ['http', 'rendering'];
    const seam = ['lib/transports/transport.ts', 'lib/transports/news.ts'];
    const roomOf = (path: string) => /^lib\/transports\/([^/]+)\//.exec(path)?.[1];
    const wrong: string[] = [];
    for (const { path, imports } of sources) {
      const room = roomOf(path);
      for (const { path: target } of imports.filter((one) => one.path.startsWith('lib/transports/'))) {
        const to = roomOf(target);
        const isLine = path === 'lib/transports/index.ts' && target.endsWith('/index.ts');
        const isOwn = to !== undefined && to === room;
        const isShared = to !== undefined && shared.includes(to);
        const isSeam = to === undefined && (seam.includes(target) || !path.startsWith('lib/transports/'));
        if (!isLine && !isOwn && !isShared && !isSeam) wrong.push(`${path} imports ${target}`);
      }
    }
    expect(wrong).to.deep.equal([]);
  });

  it('lets each package be named in its room alone, its types and late imports included', () => {
    const { dependencies, optionalDependencies, peerDependencies } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    );
    expect(Object.keys(PACKAGES).sort()).to.deep.equal(
      Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).sort(),
    );
    for (const [name, rooms] of Object.entries(PACKAGES)) {
      const named = new RegExp(
        `(?:\\bfrom\\s+|\\bimport\\(\\s*|\\brequire\\(\\s*|^import\\s+)'${name}(?:/[^']*)?'`,
        'm',
      );
      const users = sources.filter(({ text }) => named.test(text)).map(({ path }) => path);
      const abroad = users.filter((path) => !rooms.some((room) => path.startsWith(`${room}/`)));
      expect({ isUsed: users.length > 0, abroad }, name).to.deep.equal({ isUsed: true, abroad: [] });
    }
  });

  it('states the name of each transport once, in its own folder', () => {
    const transports = sources.filter(({ path }) => /^lib\/transports\/.+\/index\.ts$/.test(path));
    const list = byPath.get('lib/transports/index.ts')?.code.match(/^export /gm) ?? [];
    expect(transports.length).to.equal(list.length).and.be.above(1);
    for (const { path, text } of transports) {
      const [, name = ''] = /const NAME = '([\w-]+)';/.exec(text) ?? [];
      expect(text, path).to.match(/name: NAME,\n {2}opens: '(?:listen|connect|print)',/);
      // Two names are those of protocols too: of the scheme of a URL or of a key, and of what is upgraded to.
      const isProtocol = (line: string) => /https|upgrade|scheme: /i.test(line);
      // One is that of its package as well.
      const isPackage = (line: string) => PACKAGES[name] !== undefined && /from '|import\('/.test(line);
      const elsewhere = sources
        // Files of other programs name protocols in their own words.
        .filter((source) => source.path !== path && !source.path.startsWith('lib/runners/upstream/'))
        .flatMap((source) => source.text.split('\n').map((line) => `${source.path}: ${line.trim()}`))
        .filter((line) => line.includes(`'${name}'`) && !isProtocol(line) && !isPackage(line));
      expect(elsewhere, name).to.deep.equal([]);
    }
  });

  it('has no import cycle, types included', () => {
    const done = new Set<string>();
    const visit = (path: string, trail: readonly string[]): void => {
      expect(trail, `cycle: ${[...trail, path].join(' → ')}`).not.to.include(path);
      if (done.has(path)) return;
      for (const { path: target } of byPath.get(path)?.imports ?? []) visit(target, [...trail, path]);
      done.add(path);
    };
    for (const { path } of sources) visit(path, []);
  });

  it('defines no value that only tests use', () => {
    const idle = sources
      .filter(({ path }) => !ENTRIES.includes(path))
      .flatMap(({ path, code }) =>
        [...code.matchAll(/^export (?:const|class|(?:async )?function\*?) (\w+)/gm)]
          .filter(([, name = '']) => uses(name) < 2)
          .map(([, name]) => `${path}: ${name}`),
      );
    expect(idle).to.deep.equal([]);
  });

  it('gives no class a member that nobody uses', () => {
    const idle = sources
      .filter(({ path }) => path !== 'lib/gateway.ts') // the public API: its users are elsewhere
      .flatMap(({ path, code }) =>
        [...code.matchAll(/^(?:export )?class \w+[^{]*\{\n([\s\S]*?)^\}/gm)].flatMap(([, body = '']) =>
          [
            ...body.matchAll(
              /^ {2}(?!override )(?:(?:readonly|static|async|get|set) )*\*?([a-z]\w*)[?!]?(?:[(:<;]| = )/gm,
            ),
          ]
            .filter(([, name = '']) => uses(name) < 2 && !CALLED_BY_PACKAGES.includes(name))
            .map(([, name]) => `${path}: ${name}`),
        ),
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

  it('keeps the page of the console to itself, in files that say what they are', () => {
    const page = readdirSync(join(ROOT, PAGE)).filter((name) => /\.tsx?$/.test(name));
    expect(page.length).to.be.above(5);
    for (const name of page) {
      const { text } = readSource(join(PAGE, name));
      expect(text, name).to.match(/^\/\*\*/);
      expect(text.split('\n').length, name).to.be.at.most(MAX_LINES + 1);
      const from = [...text.matchAll(/^(?:import|export)\b(?:[^;'"=]*? from )? ?'([^']+)';/gm)].map(
        ([, target]) => target,
      );
      const abroad = from.filter(
        (target) => !/^(?:\.\/[\w.-]+|preact(?:\/\w+)?|uplot(?:\/.+)?)$/.test(target ?? ''),
      );
      expect(abroad, name).to.deep.equal([]);
    }
    expect(sources.filter(({ imports }) => imports.some(({ path }) => path.startsWith(PAGE)))).to.deep.equal(
      [],
    );
  });

  it('names no folder and no file after a drawer', () => {
    const named = sources.flatMap(({ path }) => path.replace(/\.ts$/, '').split('/'));
    expect(named.filter((name) => BANNED_NAMES.test(name))).to.deep.equal([]);
  });

  describe('of runners', () => {
    const rooms = readdirSync(join(ROOT, 'lib/runners'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
    /** A thread pool behind a link: no runner, but what runners of threads elsewhere are made of. */
    const HOST = 'host';
    const kinds = rooms.filter((name) => name !== HOST);
    /** What a runner is built over, besides the seam. */
    const OVER: Readonly<Record<string, readonly string[]>> = {
      host: ['threads'],
      process: ['host', 'threads'],
    };
    const isIn = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

    it('lets a runner import call, async, the seam, itself and what it is built over', () => {
      const wrong = sources.flatMap(({ path, imports }) => {
        const own = rooms.find((room) => isIn(path, `lib/runners/${room}`));
        if (!own) return [];
        const may = ({ path: target }: { readonly path: string }) =>
          [own, ...(OVER[own] ?? [])].some((room) => isIn(target, `lib/runners/${room}`)) ||
          ['lib/call', 'lib/async'].some((room) => isIn(target, room)) ||
          target === 'lib/runners/runner.ts' ||
          (isOptions(path) && OPTION_WORDS.includes(target));
        return imports.filter((one) => !may(one)).map(({ path: target }) => `${path} imports ${target}`);
      });
      expect(wrong).to.deep.equal([]);
    });

    it('names a runner in its own folder and in the list alone', () => {
      // Comments may speak of threads; only code would have to change with them.
      const code = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
      const wrong = kinds.flatMap((kind) => {
        // What a tool may ask for is a word of its own: whoever has tools may name it.
        const isIsolation = kind === 'process';
        const named = new RegExp(isIsolation ? `runners/${kind}\\b` : `runners/${kind}\\b|'${kind}'`);
        return sources
          .filter(({ path }) => isIn(path, 'lib') && path !== 'lib/runners/index.ts')
          .filter(({ path }) => !isIn(path, `lib/runners/${kind}`))
          .filter(
            ({ path }) =>
              !rooms.some((room) => OVER[room]?.includes(kind) && isIn(path, `lib/runners/${room}`)),
          )
          .filter(({ text }) => named.test(code(text)))
          .map(({ path }) => `${path} names ${kind}`);
      });
      expect(wrong).to.deep.equal([]);
    });

    it('has one line a runner in the list', () => {
      const list = byPath
        .get('lib/runners/index.ts')
        ?.text.split('\n')
        .filter((line) => line.startsWith('export'));
      expect(list).to.have.length(kinds.length);
    });

    it('knows what crosses a port in the thread pool, on its threads and in their hosts alone', () => {
      const users = sources.filter(({ imports }) =>
        imports.some(({ path }) => isIn(path, 'lib/runners/threads/port')),
      );
      const strangers = users.filter(
        ({ path }) =>
          !['lib/runners/threads', 'lib/runners/host', 'lib/runners/process', 'workers'].some((room) =>
            isIn(path, room),
          ),
      );
      expect(strangers.map(({ path }) => path)).to.deep.equal([]);
    });
  });
});
