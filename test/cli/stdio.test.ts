/** `stdio`: nothing but JSON-RPC on stdout, and gone soon after its client, whatever a tool does. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Marks, newMarks, runs, STORY_TOOLS, until } from '../stories/marks.ts';
import { Programs, type RunningProgram } from './run-program.ts';

const NOISY = `
import { defineTool } from 'mcp-streaming-gateway';
export const noisy = defineTool({ name: 'noisy', description: 'Prints.', async run() {
  console.log('printed');
  console.error('printed too');
  process.stdout.write('written\\n');
  return 'done';
} });
export const spinning = defineTool({ name: 'spinning', description: 'Never ends.', async *run() {
  yield 'spinning';
  for (;;);
} });
`;

const INITIALIZE = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
};

describe('mcp-streaming-gateway stdio', () => {
  let programs: Programs;
  beforeEach(() => {
    programs = new Programs();
    writeFileSync(join(programs.folder, 'tools.js'), NOISY);
  });
  afterEach(() => programs.stop());

  const start = (): RunningProgram => {
    const program = programs.start(['--tools', './tools.js'], {
      program: 'stdio',
      env: { CANCEL_GRACE: '60' },
    });
    send(program, INITIALIZE);
    send(program, { method: 'notifications/initialized' });
    return program;
  };

  const send = ({ process: { stdin } }: RunningProgram, message: object) =>
    stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

  const callOf = (name: string) => ({
    id: 2,
    method: 'tools/call',
    params: { name, arguments: {}, _meta: { progressToken: 'p' } },
  });

  /** Resolves when stdout has carried `text`. */
  const heard = ({ process: { stdout } }: RunningProgram, text: string) =>
    new Promise<void>((resolve) => {
      let all = '';
      stdout.on('data', (part: string) => {
        all += part;
        if (all.includes(text)) resolve();
      });
    });

  it('writes only JSON-RPC to stdout, whatever a tool prints', async () => {
    const program = start();
    const answered = heard(program, '"id":2');
    send(program, callOf('noisy'));
    await answered;
    program.process.stdin.end();
    const { code, stdout } = await program.ended;
    expect(code).to.equal(0);
    const messages = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(messages.map(({ jsonrpc }) => jsonrpc)).to.satisfy((all: string[]) =>
      all.every((v) => v === '2.0'),
    );
    expect(messages.at(-1)).to.have.nested.property('result.structuredContent.data', 'done');
  });

  it('answers a client that asks once and closes at once', async () => {
    const program = start();
    send(program, { id: 2, method: 'tools/list' });
    program.process.stdin.end();
    const { code, stdout } = await program.ended;
    expect(code).to.equal(0);
    expect(stdout).to.contain('"noisy"');
  });

  /** Wherever the calls run, and whoever holds the streams. */
  const WAYS: Readonly<Record<string, { env?: Record<string, string>; flags?: readonly string[] }>> = {
    'on threads': {},
    'in processes': { env: { ISOLATION: 'process' } },
    'behind --supervise': { flags: ['--supervise'] },
  };
  for (const [way, { env = {}, flags = [] }] of Object.entries(WAYS))
    describe(`with calls ${way}`, function () {
      this.timeout(60_000);
      const startStories = (graceSeconds: string) => {
        const program = programs.start(['--tools', STORY_TOOLS, ...flags], {
          program: 'stdio',
          env: { CANCEL_GRACE: graceSeconds, ...env },
        });
        send(program, INITIALIZE);
        send(program, { method: 'notifications/initialized' });
        return program;
      };
      const call = (program: RunningProgram, id: number, name: string, args: object) =>
        send(program, { id, method: 'tools/call', params: { name, arguments: args } });
      const answersOf = (stdout: string) =>
        stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line))
          .filter(({ id }) => id > 1);
      /**
       * Whether the tool cleaned up, or had no chance: the program is gone within three seconds whatever a tool does, and the
       * machine stood still meanwhile.
       */
      const hasCleanedUp = (marks: Marks, leftAt: number) =>
        marks.count('cleaned up') === 1 || performance.now() - leftAt > 4000;

      it('answers what runs when stdin ends, cancels the rest, and lets it clean up', async () => {
        const marks = newMarks();
        const program = startStories('30');
        call(program, 2, 'clean_tool', { mark: marks.file });
        call(program, 3, 'hold_tool', { ms: 250, mark: marks.file });
        await until(() => marks.count('started') === 2, 'both calls to run');
        const child = Number(marks.after('child'));
        const leftAt = performance.now();
        program.process.stdin.end();
        const { code, stdout } = await program.ended;
        expect(hasCleanedUp(marks, leftAt)).to.equal(true);
        expect(code).to.equal(0);
        const answers = answersOf(stdout);
        expect(answers.map(({ id }) => id)).to.deep.equal([3, 2]);
        expect(answers[0]).to.have.nested.property('result.structuredContent.held', 250);
        expect(answers[1]).to.have.nested.property('result.isError', true);
        expect(answers[1]).to.have.nested.property('result.content[0].text', 'the client has left');
        await until(() => !runs(child), 'the end of what the tool had started');
      });

      it('cancels what runs at SIGTERM, answers it, and lets it clean up', async () => {
        const marks = newMarks();
        const program = startStories('30');
        call(program, 2, 'clean_tool', { mark: marks.file });
        await marks.seen('started');
        const leftAt = performance.now();
        program.process.kill('SIGTERM');
        const { code, stdout } = await program.ended;
        expect(hasCleanedUp(marks, leftAt)).to.equal(true);
        expect(code).to.equal(0);
        const answers = answersOf(stdout);
        expect(answers.map(({ id }) => id)).to.deep.equal([2]);
        expect(answers[0]).to.have.nested.property('result.isError', true);
        expect(answers[0]).to.have.nested.property('result.content[0].text', 'the gateway is shutting down');
        await until(() => !runs(Number(marks.after('child'))), 'the end of what the tool had started');
      });
    });

  const departures: Record<string, (program: RunningProgram) => unknown> = {
    'its stdin closes': ({ process: { stdin } }) => stdin.end(),
    'it gets SIGTERM': ({ process: child }) => child.kill('SIGTERM'),
    'its stdout breaks': (program) => {
      program.process.stdout.destroy();
      send(program, { id: 3, method: 'tools/list' });
    },
  };
  for (const [departure, leave] of Object.entries(departures)) {
    it(`is soon gone when ${departure} while a tool spins`, async function () {
      this.timeout(90_000);
      const program = start();
      const isSpinning = heard(program, '"spinning"');
      send(program, callOf('spinning'));
      await isSpinning;
      const leftAt = performance.now();
      leave(program);
      const { code, signal } = await program.ended;
      expect({ code, signal }).to.deep.equal({ code: 0, signal: null });
      expect(performance.now() - leftAt).to.be.below(50_000); // three seconds where nobody else works; not the whole grace
    });
  }
});
