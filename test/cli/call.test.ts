/** `tools` and `call`: one tool, run where you are. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Programs } from './run-program.ts';

const parsed = (ndjson: string) =>
  ndjson
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; [key: string]: unknown });

describe('mcp-streaming-gateway call', () => {
  let programs: Programs;
  beforeEach(() => {
    programs = new Programs();
  });
  afterEach(() => programs.stop());

  it('prints a JSON line for each chunk and the end, and progress on stderr', async () => {
    const { code, stdout, stderr } = await programs.run(['call', 'primes_tool', '{"to": 30000}']);
    expect(code).to.equal(0);
    const lines = parsed(stdout);
    expect(lines.map(({ event }) => event)).to.deep.equal(['chunk', 'chunk', 'chunk', 'chunk', 'complete']);
    expect(lines.slice(0, -1).map(({ index }) => index)).to.deep.equal([0, 1, 2, 3]);
    expect(lines.at(-1)).to.deep.include({
      status: 'success',
      chunks: 4,
      data: { from: 0, to: 30_000, count: 3245, largest: 29_989 },
    });
    expect(stderr).to.match(/^100 % 3245 primes up to 30000$/m);
  });

  it('draws no bar where stderr is a pipe or a file, and one on a terminal', async function () {
    this.timeout(60_000);
    const command = `"${process.execPath}" "${programs.programOf('main')}" call primes_tool '{"to": 30000}'`;
    const env = { PATH: process.env['PATH'], DATA_DIR: join(programs.folder, 'data') };
    const file = join(programs.folder, 'stderr');
    execFileSync('sh', ['-c', `${command} 2>"${file}" >/dev/null`], { env });
    const { stderr } = await programs.run(['call', 'primes_tool', '{"to": 30000}']);
    for (const text of [readFileSync(file, 'utf8'), stderr]) {
      expect(text).to.match(/^100 % 3245 primes up to 30000$/m);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what a bar is drawn with.
      expect(text).not.to.match(/[\r\x1b]|\[[#.]/);
    }
    if (process.platform !== 'linux' || !existsSync('/usr/bin/script')) this.skip();
    const drawn = execFileSync('script', ['-qec', `${command} >/dev/null`, '/dev/null'], { env });
    expect(String(drawn)).to.contain('\x1b[K[########################] 100 % 3245 primes up to 30000');
  });

  it('prints the error and exits with 1 when the call fails', async () => {
    const { code, stdout } = await programs.run(['call', 'primes_tool', '{"to": "many"}']);
    expect(code).to.equal(1);
    const [error, complete, ...rest] = parsed(stdout);
    expect(error).to.have.nested.property('error.code', 'invalid_arguments');
    expect(complete).to.include({ event: 'complete', status: 'error' });
    expect(rest).to.deep.equal([]);
  });

  it('names an unknown tool', async () => {
    const { code, stdout } = await programs.run(['call', 'no_such_tool']);
    expect(code).to.equal(1);
    expect(parsed(stdout)[0]).to.have.nested.property('error.code', 'tool_not_found');
  });

  it('cancels the call on Ctrl-C and exits with 1', async () => {
    const program = programs.start(['call', 'primes_tool', '{"to": 4000000000}']);
    await program.said(/primes up to/);
    program.process.kill('SIGINT');
    const { code, stdout } = await program.ended;
    expect(code).to.equal(1);
    expect(parsed(stdout).at(-1)).to.include({ event: 'complete', status: 'cancelled' });
  });

  it('stops quietly when the reader of its output leaves', async () => {
    const program = programs.start(['call', 'primes_tool', '{"to": 4000000000}']);
    await program.said(/primes up to/);
    program.process.stdout.destroy();
    const { code, signal, stderr } = await program.ended;
    expect({ code, signal }).to.deep.equal({ code: 1, signal: null });
    expect(stderr).not.to.match(/EPIPE|^ +at /m);
  });

  it('runs tools that need no data folder where that cannot be written, and warns', async function () {
    if (process.platform !== 'linux') this.skip();
    for (const env of [{ DATA_DIR: '/proc/no-such-folder' }, { DATA_DIR: '', HOME: '/proc/no-such-home' }]) {
      const primes = await programs.run(['call', 'primes_tool', '{"to":10}'], { env });
      expect(primes.code, primes.stderr).to.equal(0);
      expect(primes.stderr).to.contain('cannot be written').and.contain('journeys_tool is unavailable');
      const journeys = await programs.run(['call', 'journeys_tool', '{"action":"stats"}'], { env });
      expect(journeys.code).to.equal(1);
      expect(journeys.stdout).to.contain('"code":"unavailable"').and.not.contain('/proc');
    }
  });

  it('keeps journeys in the data folder between two runs', async () => {
    await programs.run(['call', 'journeys_tool', '{"action": "create", "name": "Kept"}']);
    const { stdout } = await programs.run(['call', 'journeys_tool', '{"action": "list"}']);
    expect(parsed(stdout)[0]).to.have.nested.property('data.name', 'Kept');
  });
});

describe('mcp-streaming-gateway tools', () => {
  it('lists the tools, a line each', async () => {
    const programs = new Programs();
    const { code, stdout } = await programs.run(['tools']);
    expect(code).to.equal(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split('  ')[0]),
    ).to.deep.equal(['journeys_tool', 'primes_tool']);
    await programs.stop();
  });
});
