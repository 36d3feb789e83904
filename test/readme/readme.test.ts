/** The README does what it says: its examples run, its tables are the code's, its client snippets start. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { parseCommandLine } from '../../bin/command-line.ts';
import { type GatewayProcess, runCommand, startGatewayProcess } from '../support/gateway-process.ts';
import { withFreshTables } from './generated-tables.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

/** The fenced blocks, by what stands behind the fence. */
const blocks = [...README.matchAll(/^```(\S.*)\n([\s\S]*?)^```$/gm)].map(([, info = '', text = '']) => ({
  info,
  text,
}));

const block = (info: string): string => {
  const found = blocks.find((candidate) => candidate.info === info);
  if (!found) throw new Error(`the README has no block ${info}`);
  return found.text;
};

/** The shell lines of the README, continuations joined, comments gone. */
const shellLines = blocks
  .filter(({ info }) => info === 'sh')
  .flatMap(({ text }) => text.replaceAll('\\\n', ' ').trimEnd().split('\n'))
  .map((line) => line.replace(/ +# .*$/, ''));

/** One server of a client's configuration file. */
interface Entry {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly url?: string;
  readonly headers?: Record<string, string>;
}

describe('README.md', function () {
  this.timeout(60_000);
  let gateway: GatewayProcess;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'readme-'));
    writeFileSync(join(folder, 'my-tools.js'), block('js my-tools.js'));
    gateway = await startGatewayProcess();
  });
  after(async () => {
    await gateway.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const here = (text: string) => text.replaceAll('127.0.0.1:8000', `127.0.0.1:${gateway.port}`);

  it('is no longer than 300 lines besides the tables made from the code', () => {
    const written = README.replace(/<!-- (\w+)[\s\S]*?<!-- \/\1 -->/g, '');
    expect(written.split('\n').length - 1).to.be.at.most(300);
  });

  it('has the tables that the code makes', () => {
    expect(withFreshTables(README), 'run `npm run docs`').to.equal(README);
  });

  it('names only files that exist', () => {
    const paths = [...README.matchAll(/`((?:lib|workers|bin|test)\/[\w./-]+)`/g)].map(
      ([, path = '']) => path,
    );
    expect(paths.length).to.be.above(10);
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).to.deep.equal([]);
  });

  it('shows curl lines that answer as described', async function () {
    const commands = shellLines.filter((line) => line.startsWith('curl '));
    expect(commands).to.have.length(3);
    try {
      await run('curl', ['--version']);
    } catch {
      this.skip();
    }
    const [primes = '', create = '', list = ''] = await Promise.all(
      commands.map(async (command) => (await run('sh', ['-c', here(command)])).stdout),
    );
    expect(primes)
      .to.match(/^event: progress$/m)
      .and.match(/event: done\ndata: \{"status":"complete"\}\n\n$/);
    expect(JSON.parse(create)).to.have.nested.property('data.name', 'Onboarding');
    expect(list)
      .to.contain('"Loading data..."')
      .and.match(/event: done\ndata: \{"status":"complete"\}\n\n$/);
  });

  it('shows a tool that runs as the README runs it', async () => {
    const command = shellLines.find((line) => line.includes(' call countdown ')) ?? '';
    const [, json = '{}'] = command.match(/'(.*)'/) ?? [];
    const args = ['call', 'countdown', json, '--tools', join(folder, 'my-tools.js')];
    const { code, stdout } = await runCommand(args, { DATA_DIR: folder });
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(code).to.equal(0);
    expect(lines.slice(0, -1).map(({ data }) => data)).to.deep.equal([{ left: 3 }, { left: 2 }, { left: 1 }]);
    expect(lines.at(-1)).to.include({ event: 'complete', status: 'success', data: 'lift-off' });
  });

  it('shows commands that the command line understands', () => {
    const commands = shellLines.filter((line) => line.startsWith('npx mcp-streaming-gateway'));
    expect(commands).to.have.length(3);
    for (const command of commands) {
      const argv = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, plain]) => quoted ?? plain ?? '',
      );
      expect(parseCommandLine(argv.slice(2)), command).to.be.an('object');
    }
  });

  it('shows a browser snippet that prints the chunks and closes at the end', async () => {
    const printed: unknown[][] = [];
    const sockets: WebSocket[] = [];
    class WatchedSocket extends WebSocket {
      constructor(address: string) {
        super(address);
        sockets.push(this);
      }
    }
    const snippet = new Function('WebSocket', 'console', here(block('js websocket')));
    snippet(WatchedSocket, { log: (...words: unknown[]) => printed.push(words) });
    const code = await new Promise((resolve) => sockets[0]?.once('close', resolve));
    expect(code).to.equal(1005);
    expect(printed.length).to.be.above(0);
    expect(printed[0]?.[1]).to.have.property('name');
  });

  describe('client snippets', () => {
    const snippets = blocks.filter(({ info }) => info.startsWith('json'));

    const entriesOf = (text: string): Entry[] => {
      const file = JSON.parse(text) as {
        mcpServers?: Record<string, Entry>;
        servers?: Record<string, Entry>;
      };
      return Object.values(file.mcpServers ?? file.servers ?? {});
    };

    /** The snippet's own transport; npx of the package stands for this build. */
    const transportOf = ({ command, args = [], env = {}, url = '', headers = {} }: Entry): Transport => {
      if (command === undefined) {
        return new StreamableHTTPClientTransport(new URL(here(url)), {
          requestInit: { headers },
        }) as Transport;
      }
      expect([command, ...args.slice(0, 2)]).to.deep.equal(['npx', '-y', 'mcp-streaming-gateway']);
      return new StdioClientTransport({
        command: process.execPath,
        args: [join(ROOT, 'dist/bin/mcp-streaming-gateway.js'), ...args.slice(2)],
        env: { ...env, PATH: process.env['PATH'] ?? '', DATA_DIR: folder },
        stderr: 'ignore',
      });
    };

    it('are there for four clients, stdio and HTTP', () => {
      expect(snippets.map(({ info }) => info)).to.deep.equal([
        'json stdio',
        'json http',
        'json stdio http',
        'json stdio http',
      ]);
      const kinds = snippets.map(({ text }) =>
        entriesOf(text).map(({ command }) => (command ? 'stdio' : 'http')),
      );
      expect(kinds).to.deep.equal([['stdio'], ['http'], ['http', 'stdio'], ['http', 'stdio']]);
    });

    it('start servers that list and call the tools', async () => {
      for (const entry of snippets.flatMap(({ text }) => entriesOf(text))) {
        const client = new Client({ name: 'readme', version: '1' });
        await client.connect(transportOf(entry));
        const { tools } = await client.listTools();
        expect(tools.map(({ name }) => name)).to.deep.equal(['journeys_tool', 'primes_tool']);
        const result = await client.callTool({ name: 'primes_tool', arguments: { to: 10 } });
        expect(result.structuredContent).to.include({ count: 4 });
        await client.close();
      }
    });
  });
});
