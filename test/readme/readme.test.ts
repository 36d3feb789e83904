/** README and docs do what they say: their commands run, their programs work, their client snippets start. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { parseCommandLine } from '../../bin/command-line.ts';
import { type GatewayProcess, KEY, runCommand, startGatewayProcess } from '../support/gateway-process.ts';
import { block, blocks, ROOT, shellLines } from './pages.ts';

const run = promisify(execFile);
const BIN = join(ROOT, 'dist/bin/mcp-streaming-gateway.js');

/** One server of a client's configuration file. */
interface Entry {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  readonly url?: string;
  readonly headers?: Record<string, string>;
}

describe('README.md and docs/', function () {
  this.timeout(60_000);
  let gateway: GatewayProcess;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'readme-'));
    writeFileSync(join(folder, 'my-tools.js'), block('js my-tools.js'));
    gateway = await startGatewayProcess({ args: ['--graphql'] });
  });
  after(async () => {
    await gateway.end();
    rmSync(folder, { recursive: true, force: true });
  });

  const here = (text: string) => text.replaceAll('127.0.0.1:8000', `127.0.0.1:${gateway.port}`);

  it('show curl lines that answer as described', async function () {
    const commands = shellLines.filter((line) => line.startsWith('curl '));
    expect(commands).to.have.length(8);
    try {
      await run('curl', ['--version']);
    } catch {
      this.skip();
    }
    const answers = await Promise.all(
      commands.map(async (command) => {
        const { stdout } = await run('sh', ['-c', `${here(command)} --fail-with-body --silent`]);
        return { command, stdout };
      }),
    );
    const answerTo = (...words: string[]) =>
      answers.find(({ command }) => words.every((word) => command.includes(word)))?.stdout ?? '';
    expect(answerTo('primes_tool/stream'))
      .to.match(/^event: progress$/m)
      .and.match(/event: done\ndata: \{"status":"complete"\}\n\n$/);
    expect(JSON.parse(answerTo('"create"'))).to.have.nested.property('data.name', 'Onboarding');
    expect(answerTo('"list"'))
      .to.contain('"Loading data..."')
      .and.match(/event: done\ndata: \{"status":"complete"\}\n\n$/);
    expect(answerTo('"list"', 'x-ndjson'))
      .to.match(/^\{"event":"started"/)
      .and.match(/\n\{"event":"complete".*\}\n$/);
    expect(JSON.parse(answerTo('/graphql', 'LIST')))
      .to.have.nested.property('data.tools.journeysTool')
      .an('array');
    expect(answerTo('/graphql', 'subscription'))
      .to.contain('"__typename":"CallChunks"')
      .and.match(/event: complete\ndata: \n\n$/);
    expect(JSON.parse(answerTo('/health'))).to.include({ status: 'ok' });
    expect(JSON.parse(answerTo('/stats'))).to.have.keys('workers', 'pool', 'tools', 'transports', 'mcp');
  });

  it('show an error as it comes', async () => {
    const shown = JSON.parse(block('json problem'));
    const response = await fetch(`${gateway.url}${shown.instance}`, {
      method: 'POST',
      headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
      body: '{}',
    });
    const problem = (await response.json()) as object;
    expect({ ...problem, requestId: shown.requestId }).to.deep.equal(shown);
  });

  it('show a tool that runs as the README runs it', async () => {
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

  it('show a program that reads a subscription', async () => {
    const program = join(ROOT, 'dist', `graphql-snippet-${process.pid}.mjs`); // where its package is found
    writeFileSync(program, here(block('js graphql')));
    try {
      const { stdout } = await run(process.execPath, [program]);
      expect(stdout).to.contain('items: [').and.not.contain('extensions');
    } finally {
      rmSync(program);
    }
  });

  it('show commands that the command line understands', () => {
    const commands = shellLines.filter((line) => line.startsWith('npx mcp-streaming-gateway'));
    expect(commands).to.have.length(5);
    for (const command of commands) {
      const argv = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(
        ([, quoted, plain]) => quoted ?? plain ?? '',
      );
      expect(parseCommandLine(argv.slice(2)), command).to.be.an('object');
    }
  });

  it('show a browser snippet that prints the chunks and closes at the end', async () => {
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

  it('show a program that reads NDJSON with fetch', async () => {
    const printed: unknown[][] = [];
    const snippet = here(block('js ndjson'));
    const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor;
    await new AsyncFunction('console', snippet)({ log: (...words: unknown[]) => printed.push(words) });
    expect(printed.length).to.be.above(0);
    expect(printed[0]?.[1]).to.have.property('name');
  });

  it('show a resource and a prompt that MCP clients can use', async () => {
    writeFileSync(join(folder, 'my-notes.js'), block('js my-notes.js'));
    const client = new Client({ name: 'docs', version: '1' });
    const args = [BIN, 'stdio', '--tools', join(folder, 'my-notes.js')];
    const env = { PATH: process.env['PATH'] ?? '', DATA_DIR: folder };
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' }),
    );
    const { contents } = await client.readResource({ uri: 'note://welcome' });
    expect(contents[0]).to.include({ text: 'Read the README first.', mimeType: 'text/plain' });
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).to.include('note://welcome');
    const { messages } = await client.getPrompt({ name: 'summary', arguments: { id: 'welcome' } });
    expect(messages[0]?.content).to.have.property('text').that.contains('note://welcome');
    await client.close();
  });

  it('show a program that starts a gateway itself', async () => {
    // Inside the package, whose own name resolves to itself, as it does where it is installed.
    const inside = mkdtempSync(join(ROOT, 'dist/readme-'));
    writeFileSync(join(inside, 'embed.js'), block('js embed.js'));
    writeFileSync(join(inside, 'my-tools.js'), block('js my-tools.js'));
    const env = { PATH: process.env['PATH'] ?? '', DATA_DIR: folder };
    const ending = run(process.execPath, ['embed.js'], { cwd: inside, env });
    const { stdout } = await ending.finally(() => rmSync(inside, { recursive: true }));
    expect(stdout).to.match(/^200\n/);
    expect(stdout.match(/\{"left":\d\}/g)).to.deep.equal(['{"left":3}', '{"left":2}', '{"left":1}']);
  });

  describe('client snippets', () => {
    const snippets = blocks.filter(({ info }) => /^json (?:stdio|http)/.test(info));

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
        args: [BIN, ...args.slice(2)],
        env: { ...env, PATH: process.env['PATH'] ?? '', DATA_DIR: folder },
        stderr: 'ignore',
      });
    };

    it('are there for four clients, stdio and HTTP, the first of them in the README too', () => {
      expect(snippets.map(({ info }) => info)).to.deep.equal([
        'json stdio',
        'json stdio',
        'json stdio',
        'json http',
        'json stdio http',
        'json stdio http',
      ]);
      const kinds = snippets.map(({ text }) =>
        entriesOf(text).map(({ command }) => (command ? 'stdio' : 'http')),
      );
      expect(kinds).to.deep.equal([
        ['stdio'],
        ['stdio'],
        ['stdio'],
        ['http'],
        ['http', 'stdio'],
        ['http', 'stdio'],
      ]);
    });

    it('start servers that list and call the tools', async function () {
      this.timeout(180_000); // eight programs, one after the other
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
