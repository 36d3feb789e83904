/**
 * The packed tarball, installed in an empty folder, is what a user gets: the programs, the library and its types.
 *
 * Without PACKAGE_TEST=full the install leaves out the optional SQLite, which may compile for minutes.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify, stripVTControlCharacters } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect } from 'chai';
import { openBrowser } from '../transports/console/browser.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const isFull = process.env['PACKAGE_TEST'] === 'full';

const MY_TOOLS = `
import { defineTool } from 'mcp-streaming-gateway';
import { z } from 'zod';
export default defineTool({
  name: 'shout', description: 'Shouts.', input: z.object({ text: z.string() }),
  async run({ text }) { return text.toUpperCase(); },
});
`;

const CONSUMER = `
import { createGateway, defineTool, ToolError, type Gateway, type Transport } from 'mcp-streaming-gateway';
import { z } from 'zod';

export const typed = defineTool({
  name: 'typed',
  description: 'Is typed.',
  input: z.object({ count: z.number() }),
  async *run({ count }, { progress }) {
    const doubled: number = count * 2;
    progress(1, doubled);
    // @ts-expect-error the input is known to have a number here
    const wrong: string = count;
    if (wrong) throw new ToolError('not_found', 'nothing');
    yield doubled;
  },
});

const mine: Transport = {
  name: 'mine',
  open({ calls, http, meter }) {
    http.route({
      method: 'GET',
      path: '/mine',
      description: 'is mine',
      handle(request, response) {
        const name: string = request.pathOnly + calls.catalogOf(request.keyId).tools.length;
        meter.bytes += name.length;
        response.end(name);
      },
    });
  },
  close() {},
};

const gateway: Gateway = await createGateway({ minWorkers: 1, tools: ['./my-tools.js'], transports: [mine] });
const end = await gateway.call('shout', { text: 'hello' }).outcome();
// @ts-expect-error there is no such setting
await createGateway({ minWorker: 1 }).catch(() => undefined);
console.log(end.type === 'result' ? end.data : end.error.message);
await gateway.close();
process.exit();
`;

/** What a program said before it failed: a test's message should be that and not its exit code. */
const said = (failed: { readonly stdout: string }) => failed;

/** As a newcomer does: opens the console, gives the key that the banner names, runs a tool. Not where there is no browser. */
async function runInBrowser(url: string, tool: string, args: object, result: string): Promise<void> {
  const browser = await openBrowser();
  try {
    const page = await browser?.newPage();
    if (!page) return;
    page.setDefaultTimeout(60_000);
    await page.goto(url);
    await page.getByLabel('API key').fill('super-secret');
    await page.keyboard.press('Enter');
    await page.locator('.home').waitFor();
    await page.goto(`${url}#/tools/${tool}?args=${encodeURIComponent(JSON.stringify(args))}`);
    await page.locator('.run-line').getByRole('button', { name: 'Run' }).click();
    await page.locator('article.run', { hasText: result }).waitFor();
  } finally {
    await browser?.close();
  }
}

describe('the packed package', function () {
  this.timeout(isFull ? 600_000 : 300_000);
  let root: string;
  let folder: string;
  let tarball: string;
  let packed: readonly string[];

  /** The machine's own settings of the gateway must not decide this test. */
  const env = () => ({ PATH: process.env['PATH'], HOME: process.env['HOME'], DATA_DIR: join(root, 'data') });
  const inFolder = (program: string, ...args: string[]) => run(program, args, { cwd: folder, env: env() });
  const gateway = (...args: string[]) => inFolder('npx', '--no-install', 'mcp-streaming-gateway', ...args);

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'package-'));
    folder = join(root, 'empty');
    mkdirSync(folder);
    // --ignore-scripts: prepack would build anew under the other tests; this run has built already.
    const pack = ['pack', ROOT, '--ignore-scripts', '--json', '--pack-destination', root];
    const [{ filename, files }] = JSON.parse((await run('npm', pack, { maxBuffer: 1e7 })).stdout);
    tarball = join(root, filename);
    packed = files.map(({ path }: { path: string }) => path);
    writeFileSync(join(folder, 'package.json'), '{"private": true, "type": "module"}');
    const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball];
    // npm keeps its whole environment: registries and certificates are the machine's affair.
    await run('npm', [...install, ...(isFull ? [] : ['--omit=optional'])], { cwd: folder });
    writeFileSync(join(folder, 'my-tools.js'), MY_TOOLS);
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  it('holds the compiled program and nothing of its tests', () => {
    const allowed =
      /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/(?:lib|workers|bin)\/.+\.(?:d\.c?ts|c?js)|dist\/lib\/transports\/console\/assets\/(?:index\.html|console-\w+\.css)|lib\/transports\/grpc\/\w+\.proto)$/;
    expect(packed.filter((path) => !allowed.test(path))).to.deep.equal([]);
    expect(packed).to.include.members([
      'LICENSE',
      'README.md',
      'dist/lib/index.d.ts',
      'dist/lib/transports/console/assets/index.html',
      'dist/workers/piscina-entry.cjs',
      'dist/workers/tool-host.js',
      'lib/transports/grpc/mcp_gateway.proto',
    ]);
  });

  it('has a manifest that publint finds nothing to say of', async () => {
    const publint = join(ROOT, 'node_modules/publint/src/cli.js');
    const { stdout } = await run(process.execPath, [publint, 'run', tarball, '--strict']).catch(said);
    // It colours what it says where CI is set.
    expect(stripVTControlCharacters(stdout), stdout).to.match(/^All good!$/m);
  });

  it('has types that every way to import an ES module resolves', async () => {
    const attw = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    // Without --no-definitely-typed it would ask the registry for @types of this package.
    const args = [attw, tarball, '--profile', 'esm-only', '--no-definitely-typed', '--format', 'json'];
    const { stdout } = await run(process.execPath, args, { maxBuffer: 1e7 }).catch(said);
    const { analysis } = JSON.parse(stdout);
    const problems = analysis.problems.filter(
      // Before it knew "exports", TypeScript looked for subpaths in folders; Node never did so for ES modules.
      ({ resolutionKind, entrypoint }: { resolutionKind?: string; entrypoint?: string }) =>
        resolutionKind !== 'node16-cjs' && !(resolutionKind === 'node10' && entrypoint === './testing'),
    );
    expect(problems).to.deep.equal([]);
    expect(Object.keys(analysis.entrypoints)).to.have.members(['.', './package.json', './testing']);
  });

  it('begins a package of tools that passes its own test', async () => {
    await gateway('init', '../My Tools');
    const mine = join(root, 'My Tools');
    const manifest = JSON.parse(readFileSync(join(mine, 'package.json'), 'utf8'));
    expect(manifest.name).to.equal('my-tools');
    const inMine = (program: string, ...args: string[]) => run(program, args, { cwd: mine });
    const more = isFull ? [] : ['--omit=optional'];
    await inMine('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', ...more, tarball);
    const { stdout } = await inMine('npm', 'test');
    expect(stdout)
      .to.match(/^(?:#|ℹ) pass 2$/m)
      .and.match(/^(?:#|ℹ) fail 0$/m);
    const again = await gateway('init', '../My Tools').catch((failed) => failed);
    expect([again.code, again.stderr]).to.deep.equal([
      1,
      `mcp-streaming-gateway: init: ${mine} is not empty; name a new folder\n`,
    ]);
  });

  it('prints its version with npx', async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect((await gateway('--version')).stdout).to.equal(`${version}\n`);
  });

  it('lists and calls a bare tool module beside it', async () => {
    expect((await gateway('tools', '--tools', './my-tools.js')).stdout).to.match(/^shout +Shouts\.$/m);
    const { stdout } = await gateway('call', 'shout', '{"text": "hi"}', '--tools', 'my-tools.js');
    expect(JSON.parse(stdout)).to.include({ event: 'complete', data: 'HI' });
  });

  it('calls a tool module that lies where nothing is installed', async () => {
    const lonely = join(root, 'lonely.mjs');
    writeFileSync(lonely, MY_TOOLS);
    const { stdout } = await gateway('call', 'shout', '{"text": "hi"}', '--tools', lonely);
    expect(JSON.parse(stdout)).to.include({ event: 'complete', data: 'HI' });
  });

  it('serves an MCP client over stdio, with either program', async () => {
    for (const args of [['mcp-streaming-gateway', 'stdio'], ['mcp-streaming-gateway-stdio']]) {
      const client = new Client({ name: 'package', version: '1' });
      const server = {
        command: 'npx',
        args: ['--no-install', ...args],
        cwd: folder,
        stderr: 'ignore' as const,
      };
      await client.connect(
        new StdioClientTransport({ ...server, env: { ...env() } as Record<string, string> }),
      );
      const result = await client.callTool({ name: 'primes_tool', arguments: { to: 10 } });
      expect(result.structuredContent).to.include({ count: 4 });
      await client.close();
    }
  });

  it('serves the console, which runs its tools in a browser', async () => {
    const program = join(folder, 'node_modules/mcp-streaming-gateway/dist/bin/mcp-streaming-gateway.cjs');
    const args = [program, '--port', '0', '--tools', 'my-tools.js'];
    const served = spawn(process.execPath, args, {
      cwd: folder,
      env: env(),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    try {
      let said = '';
      for await (const text of served.stderr) {
        said += text;
        if (said.includes('/console/ in a browser')) break;
      }
      const [url = ''] = /http:\S+\/console\//.exec(said) ?? [];
      const page = await (await fetch(url)).text();
      const files = [...page.matchAll(/(?:src|href)="(console-[^"]+)"/g)].map(([, name]) => name ?? '');
      expect(files).to.have.length(2);
      for (const file of files) expect((await fetch(url + file)).status, file).to.equal(200);
      await runInBrowser(url, 'shout', { text: 'hello' }, '"HELLO"');
    } finally {
      served.kill('SIGKILL');
    }
  });

  it('has types, and works as a library', async () => {
    writeFileSync(join(folder, 'consumer.ts'), CONSUMER);
    mkdirSync(join(folder, 'node_modules/@types'), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'));
    for (const [module, moduleResolution] of [
      ['esnext', 'bundler'],
      ['nodenext', 'nodenext'],
    ]) {
      const compilerOptions = {
        module,
        moduleResolution,
        target: 'es2023',
        strict: true,
        skipLibCheck: false,
      };
      const config = { compilerOptions: { ...compilerOptions, types: ['node'] }, files: ['consumer.ts'] };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
      await inFolder(process.execPath, join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.');
    }
    expect((await inFolder(process.execPath, 'consumer.js')).stdout).to.equal('"HELLO"\n');
  });

  it('keeps journeys when SQLite is there, and says why not otherwise', async () => {
    const { stdout } = await gateway('call', 'journeys_tool', '{"action": "create", "name": "Packed"}').catch(
      (failed: { stdout: string }) => failed,
    );
    const [first] = stdout.split('\n').map((line) => (line === '' ? {} : JSON.parse(line)));
    const hasSqlite = isFull || process.getBuiltinModule('node:sqlite') !== undefined;
    if (hasSqlite) expect(first).to.have.nested.property('data.name', 'Packed');
    else expect(first).to.have.nested.property('error.code', 'unavailable');
  });
});
