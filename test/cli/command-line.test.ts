/** What the command line says before any gateway starts. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { flags } from '../../lib/config/explain.ts';
import { Programs } from './run-program.ts';

describe('the command line', () => {
  let programs: Programs;
  beforeEach(() => {
    programs = new Programs();
  });
  afterEach(() => programs.stop());

  it('prints the version of the package', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
    const { code, stdout, stderr } = await programs.run(['--version']);
    expect({ code, stdout, stderr }).to.deep.equal({ code: 0, stdout: `${manifest.version}\n`, stderr: '' });
  });

  it('prints help with every command and every flag', async () => {
    const { code, stdout } = await programs.run(['--help']);
    expect(code).to.equal(0);
    for (const word of [
      'serve',
      'stdio',
      'tools',
      'call',
      'healthcheck',
      '--print-config',
      '--no-auth',
      'API_KEY',
    ]) {
      expect(stdout).to.contain(word);
    }
    for (const { syntax } of flags()) expect(stdout).to.contain(syntax);
  });

  it('prints each option with its origin and masks the keys', async () => {
    const { code, stdout } = await programs.run(['--print-config', '--port', '9000'], {
      env: { MIN_WORKERS: '3', API_KEY: 'tell-nobody' },
    });
    expect(code).to.equal(0);
    expect(stdout)
      .to.match(/^PORT=9000 +# flag$/m)
      .and.match(/^MIN_WORKERS=3 +# environment$/m);
    expect(stdout)
      .to.match(/^MAX_WORKERS=8 +# default$/m)
      .and.not.to.contain('tell-nobody');
  });

  it('exits with 2 and names what it does not know', async () => {
    for (const [args, words] of [
      [['--nope'], "unknown option '--nope'"],
      [['bogus'], "unknown command 'bogus'"],
      [['call'], "missing required argument 'tool'"],
      [['call', 'primes_tool', '{to: 1}'], 'the arguments are no JSON'],
      [['call', 'primes_tool', '[1]'], 'expected a JSON object'],
    ] as const) {
      const { code, stdout, stderr } = await programs.run(args);
      expect(code, args.join(' ')).to.equal(2);
      expect(stderr)
        .to.contain(words)
        .and.match(/^mcp-streaming-gateway: /);
      expect(stdout).to.equal('');
    }
  });

  it('tells flags that there are not, or lack their value, with all other bad options', async () => {
    const args = ['tools', '--prot', '5', '--port', 'x', '--nope=1', '-z', '--', '--left-alone'];
    const { code, stdout, stderr } = await programs.run(args, { env: { MIN_WORKERS: 'many' } });
    expect([code, stdout]).to.deep.equal([2, '']);
    const [first, ...problems] = stderr.trimEnd().split('\n');
    expect(first).to.equal('mcp-streaming-gateway: the gateway cannot start, 5 options are wrong:');
    expect(problems.map((line) => line.trim().split(';')[0])).to.deep.equal([
      "unknown option '--prot'",
      "unknown option '--nope'",
      "unknown option '-z'",
      'PORT (--port) is "x" (given as a flag)',
      'MIN_WORKERS (--min-workers) is "many" (from the environment)',
    ]);
    expect(problems[0]).to.contain('did you mean --port?');
    const lacking = await programs.run(['--nope', '--port', 'x', '--host']);
    expect(lacking.code).to.equal(2);
    expect(lacking.stderr)
      .to.contain("unknown option '--nope'")
      .and.contain("option '--host <address>' argument missing")
      .and.contain('PORT (--port) is "x"');
  });

  it('exits with 2 and one message for all bad options', async () => {
    const { code, stderr } = await programs.run(['--port', 'x'], { env: { MIN_WORKERS: 'y', API_KEY: '' } });
    expect(code).to.equal(2);
    expect(stderr).to.contain('PORT (--port) is "x"').and.to.contain('MIN_WORKERS (--min-workers) is "y"');
    expect(stderr)
      .to.contain('API_KEY')
      .and.not.to.match(/^ +at /m);
  });

  it("refuses the seed's --host 0.0.0.0 with the published key, and prints the corrected command", async () => {
    const { code, stderr } = await programs.run(['--host', '0.0.0.0', '--port', '8000']);
    expect(code).to.equal(2);
    expect(stderr).to.contain(
      'export API_KEY="$(openssl rand -hex 24)" && npx mcp-streaming-gateway --host 0.0.0.0',
    );
  });
});
