import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import type { ToolLogRecord } from '../../../lib/runners/runner.ts';
import type { WorkerPool } from '../../../lib/runners/threads/worker-pool.ts';
import { eventually } from '../../support/eventually.ts';
import { call, startPool } from '../../support/start-pool.ts';

const LIBRARY = JSON.stringify(new URL('../../../lib/tool/define-tool.js', import.meta.url).href);
const tool = (name: string, value = '1') =>
  `{ name: '${name}', description: 'd', run: async () => ${value} }`;
const INDEX = JSON.stringify(new URL('../../../lib/index.js', import.meta.url).href);
const IMPORT_ALL = `import { definePrompt, defineResource, defineTool } from ${INDEX};\n`;
const IMPORT = `import { defineTool } from ${LIBRARY};\n`;

describe('tool modules', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'modules-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (path: string, text: string): string => {
    const file = join(folder, path);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
    return pathToFileURL(file).href;
  };
  const start = (...toolModules: string[]): Promise<WorkerPool> =>
    startPool({
      settings: { toolModules, dataDir: folder, logLevel: 'debug', maxResultBytes: 1000 },
    });
  const failure = (...toolModules: string[]): Promise<string> =>
    start(...toolModules).then(
      async (pool) => {
        await pool.close();
        return 'it loaded';
      },
      (error: Error) => error.message,
    );
  async function namesIn(...toolModules: string[]): Promise<string[]> {
    const pool = await start(...toolModules);
    const names = pool.catalog.tools.map(({ name }) => name);
    await pool.close();
    return names;
  }
  const here = () => `${pathToFileURL(folder).href}/`;

  it('may be CommonJS of any make', async () => {
    const require = (exports: string) =>
      `const { defineTool } = require(${LIBRARY.replace('file://', '')});\n${exports}`;
    const compiled = write(
      'compiled.cjs',
      require(`Object.defineProperty(exports, '__esModule', { value: true });
       exports.default = defineTool(${tool('compiled')});`),
    );
    const list = write(
      'list.cjs',
      require(`exports.default = { all: [defineTool(${tool('listed')})] };
       Object.defineProperty(exports, '__esModule', { value: true });`),
    );
    const dynamic = write(
      'dynamic.cjs',
      require(
        `for (const name of ['one', 'two']) module.exports['x' + name] = defineTool({ ...${tool('x')}, name });`,
      ),
    );
    const getter = write(
      'getter.cjs',
      require(`const made = defineTool(${tool('got')});
       Object.defineProperty(exports, 'made', { enumerable: true, get: () => made });
       exports.self = made;`),
    );
    expect(await namesIn(compiled, list, dynamic, getter)).to.deep.equal([
      'compiled',
      'got',
      'listed',
      'one',
      'two',
    ]);
  });

  it('may require this package and zod from CommonJS without having installed them', async () => {
    const bare = write(
      'bare.cjs',
      `const { defineTool } = require('mcp-streaming-gateway');
       const { z } = require('zod');
       module.exports = defineTool({ ...${tool('bare')}, input: z.object({ s: z.string() }) });`,
    );
    expect(await namesIn(bare)).to.deep.equal(['bare']);
    const lost = write('lost.cjs', `require('no-such-package-${process.pid}');`);
    expect(await failure(lost)).to.match(
      /Cannot find module 'no-such-package-\d+'; install the package or correct the path$/,
    );
  });

  it('may import them likewise, by static and by dynamic imports', async () => {
    const bare = write(
      'bare.mjs',
      `import { defineTool } from 'mcp-streaming-gateway';
       import { z } from 'zod';
       const mini = await import('zod/mini');
       export default defineTool({ ...${tool('bare')}, input: z.object({ s: mini.string() }) });`,
    );
    expect(await namesIn(bare)).to.deep.equal(['bare']);
    const lost = write(
      'lost.mjs',
      `import 'mcp-streaming-gateway'; import 'no-such-package-${process.pid}';`,
    );
    expect(await failure(lost)).to.match(
      /Cannot find package 'no-such-package-\d+'.*; install the package or correct the path$/,
    );
  });

  it('in a folder may be what the others import, which is skipped with a notice', async () => {
    write('helper.mjs', 'export const value = 7;');
    write(
      'tool.mjs',
      `${IMPORT}import { value } from './helper.mjs';\nexport default defineTool(${tool('t', 'value')});`,
    );
    const pool = await start(here());
    const records: ToolLogRecord[] = [];
    pool.listen({ log: (record) => records.push(record) });
    await eventually(() => records.length > 0);
    expect(await call(pool, 't').outcome()).to.include({ data: '7' });
    expect(records.map(({ message }) => message)).to.deep.equal([
      `${join(folder, 'helper.mjs')} exports no tool and was skipped`,
    ]);
    await pool.close();
  });

  it('hold a tool where they are named, and one of a folder at least', async () => {
    const helper = write('helper.mjs', 'export const value = 7;');
    expect(await failure(helper)).to.match(/helper\.mjs exports no tool; export what defineTool\(\) returns/);
    expect(await failure(here())).to.match(/no module in .* exports a tool; export what/);
  });

  it('say what is almost a tool', async () => {
    write('tool.mjs', `${IMPORT}export default defineTool(${tool('t')});`);
    write('almost.mjs', `export const almost = ${tool('a')};`);
    expect(await failure(here())).to.match(
      /almost\.mjs exports no tool: "almost" is not made by defineTool\(\)/,
    );
  });

  const misfits: Readonly<Record<string, readonly [definition: string, reason: RegExp]>> = {
    title: [
      "defineTool({ title: 5, name: 't', description: 'd', run: async () => 1 })",
      /title: it is a number/,
    ],
    icons: [
      "defineTool({ icons: [{ url: 'a:i' }], name: 't', description: 'd', run: async () => 1 })",
      /tool "t" in .*misfit\.mjs cannot be loaded: icons\[0\]\.src: it is missing/,
    ],
    annotations: [
      "defineTool({ annotations: { destructiveHint: 'no' }, name: 't', description: 'd', run: async () => 1 })",
      /annotations\.destructiveHint: it is a string, and has to be true or false/,
    ],
    meta: [
      "defineTool({ meta: [1], name: 't', description: 'd', run: async () => 1 })",
      /meta: it is an array/,
    ],
    'meta that is no JSON': [
      "defineTool({ meta: { n: 1n }, name: 't', description: 'd', run: async () => 1 })",
      /tool "t" in .* cannot be loaded: its meta are no JSON: /,
    ],
    'mimeType of a resource': [
      "defineResource({ mimeType: null, name: 'r', uri: 'a:b', read: async () => '' })",
      /resource "r" in .* cannot be loaded: mimeType: it is null/,
    ],
    'arguments of a prompt': [
      "definePrompt({ name: 'p', arguments: { a: { required: 'yes' } }, run: () => '' })",
      /prompt "p" in .* cannot be loaded: arguments\[0\]\.required: it is a string/,
    ],
  };
  for (const [what, [definition, reason]] of Object.entries(misfits)) {
    it(`do not load with what clients refuse a whole list for: ${what}`, async () => {
      expect(await failure(write('misfit.mjs', `${IMPORT_ALL}export default ${definition};`))).to.match(
        reason,
      );
    });
  }

  it('in TypeScript are run by the tsx that is installed beside them', async () => {
    // In the place of tsx, which would bring a compiler: it registers hooks just so.
    write(
      'node_modules/tsx/package.json',
      JSON.stringify({
        name: 'tsx',
        exports: {
          './package.json': './package.json',
          './cjs/api': { import: { types: './x.d.ts', default: './cjs.mjs' }, require: './none.cjs' },
          './esm/api': { import: { types: './x.d.ts', default: './esm.mjs' }, require: './none.cjs' },
        },
      }),
    );
    write('node_modules/tsx/cjs.mjs', 'export const register = () => undefined;');
    const hook = `export const load = async (url, context, next) => {
      if (!/\\.ts(\\?|$)/.test(url)) return next(url, context);
      const { readFileSync } = await import('node:fs');
      const source = readFileSync(new URL(url), 'utf8').replace('enum Answer { Yes = 7 }', 'const Answer = { Yes: 7 };');
      return { format: 'module', source, shortCircuit: true };
    };`;
    write(
      'node_modules/tsx/esm.mjs',
      `import { register as add } from 'node:module';
       export const register = () => add('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hook)}));`,
    );
    const module = write(
      'tool.ts',
      `${IMPORT}enum Answer { Yes = 7 }\nexport const t = defineTool(${tool('t', 'Answer.Yes')});`,
    );
    const pool = await start(module);
    expect(await call(pool, 't').outcome()).to.include({ data: '7' });
    await pool.close();
  });

  it('in TypeScript that Node does not run say what to install', async () => {
    const module = write(
      'tool.ts',
      `${IMPORT}enum Answer { Yes = 7 }\nexport const t = defineTool(${tool('t', 'Answer.Yes')});`,
    );
    expect(await failure(module)).to.match(
      /tool\.ts cannot be loaded: .* install tsx beside it \(npm install tsx\)/,
    );
  });

  it('are looked for anew at a reload: added, removed and renamed ones', async () => {
    write('a.mjs', `${IMPORT}export default defineTool(${tool('a')});`);
    const pool = await start(here());
    const names = () => pool.catalog.tools.map(({ name }) => name);
    write('b.mjs', `${IMPORT}export default defineTool(${tool('b')});`);
    await pool.reload(() => undefined);
    expect(names()).to.deep.equal(['a', 'b']);
    rmSync(join(folder, 'a.mjs'));
    await pool.reload(() => undefined);
    expect(names()).to.deep.equal(['b']);
    expect(await call(pool, 'b').outcome()).to.include({ data: '1' });
    await pool.close();
  });
});
