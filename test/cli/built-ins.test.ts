/** Which tools are there: the built-in ones where nobody names any, or asks for them; and what the banner says of them. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ConfigError } from '../../lib/config/config-error.ts';
import { createGateway, type GatewayOptions } from '../../lib/index.ts';
import { DelayedRunner } from '../fixtures/delayed-runner.ts';
import { fixture } from '../support/start-pool.ts';
import { Programs } from './run-program.ts';

const newRunner = (name: string) => new DelayedRunner({ tools: { async *[name]() {} } });

const BUILT_INS = ['journeys_tool', 'primes_tool'];
const OWN = `
import { defineTool } from 'mcp-streaming-gateway';
import { z } from 'zod';
const run = async (args) => args;
export const ship = defineTool({
  name: 'ship.order', description: 'Ships.', annotations: { readOnlyHint: true }, run,
  input: z.object({ to: z.enum(["o'hare"]), n: z.int().min(2), id: z.uuid(), note: z.string().optional() }),
});
export const erase = defineTool({ name: 'erase', description: 'Erases.', annotations: { destructiveHint: true }, run });
`;
const PUZZLE = `
import { defineTool } from 'mcp-streaming-gateway';
import { z } from 'zod';
export default defineTool({
  name: 'puzzle', description: 'Puzzles.', input: z.object({ a: z.string().regex(/^§{9}$/) }), run: async () => 1,
});
`;

describe('the built-in tools', function () {
  this.timeout(60_000);
  let programs: Programs;
  let own: string;
  beforeEach(() => {
    programs = new Programs();
    own = join(programs.folder, 'own.js');
    writeFileSync(own, OWN);
  });
  afterEach(() => programs.stop());

  const listed = async (args: readonly string[], env: Record<string, string> = {}) => {
    const { stdout, stderr } = await programs.run(['tools', ...args], { env });
    expect(stdout, stderr).not.to.equal('');
    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('  ')[0]);
  };

  it('are there alone, not beside tools that are named, and always where they are asked for', async () => {
    expect(await listed([])).to.deep.equal(BUILT_INS);
    expect(await listed(['--tools', own])).to.deep.equal(['erase', 'ship.order']);
    expect(await listed([], { TOOLS: own })).to.deep.equal(['erase', 'ship.order']);
    expect(await listed(['--built-ins', 'on'], { TOOLS: own })).to.deep.equal([
      'erase',
      ...BUILT_INS,
      'ship.order',
    ]);
    expect(await listed(['--tools', own], { BUILT_INS: 'off' })).to.deep.equal(['erase', 'ship.order']);
    expect(await listed([], { BUILT_INS: 'AUTO', TOOLS: '' })).to.deep.equal(BUILT_INS);
  });

  it('are those of call and stdio too', async () => {
    const call = await programs.run(['call', 'primes_tool', '{"to":3}', '--tools', own]);
    expect(call.code).to.equal(1);
    expect(call.stdout)
      .to.contain('tool_not_found')
      .and.contain('erase, ship.order')
      .and.not.contain('journeys');
    const list = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/list',
      params: {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'x', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    });
    const stdio = await programs.run(['stdio', '--tools', own], { input: `${list}\n` });
    expect(stdio.stdout).to.contain('ship.order').and.not.contain('primes_tool');
  });

  it('may not be left out where there would be no tool', async () => {
    for (const args of [[], ['tools'], ['stdio'], ['call', 'x']]) {
      const { code, stderr } = await programs.run([...args, '--built-ins', 'off']);
      expect(code, args.join()).to.equal(2);
      expect(stderr).to.contain('BUILT_INS (--built-ins) is "off"').and.contain('--tools PATH');
    }
  });

  it('are named in the banner, or those that are there in their place, with a call that works as printed', async () => {
    const curl = (said: string) => {
      const [line = ''] = /^ {2}curl .*$/m.exec(said) ?? [];
      return execFileSync('sh', ['-c', line.trim().replace('curl', 'curl -s')], { encoding: 'utf8' });
    };
    const given = programs.start(['--port', '0', '--tools', own]);
    const [said] = await given.said(/[\s\S]*curl .*\n\n/);
    expect(said)
      .to.match(/^Tools: erase, ship\.order$/m)
      .and.not.contain('primes_tool');
    expect(said).to.match(
      /\/tools\/ship\.order\/stream .* -d '\{"arguments":\{"to":"o'\\''hare","n":10,"id":"[-0-9a-f]+"\}\}'$/m,
    );
    expect(curl(said)).to.contain('"status":"success"').and.contain(`"to":"o'hare"`);
    given.process.kill('SIGTERM');

    const alone = programs.start(['--port', '0'], { env: { AUTH: 'off' } });
    const [banner] = await alone.said(/[\s\S]*curl .*\n\n/);
    expect(banner).to.match(
      /^Tools: journeys_tool, primes_tool \(built in; --tools PATH serves yours instead\)$/m,
    );
    expect(banner).to.contain(
      `/tools/primes_tool/stream -H "Content-Type: application/json" -d '{"arguments":{"from":0,"to":2500000000}}'`,
    );
    alone.process.kill('SIGTERM');

    writeFileSync(own, PUZZLE);
    const puzzling = programs.start(['--port', '0', '--tools', own]);
    const [puzzled] = await puzzling.said(/[\s\S]*curl .*\n\n/);
    expect(puzzled).to.match(/^Tools: puzzle$/m);
    expect(curl(puzzled)).to.contain('"tools":[{"name":"puzzle"');
    puzzling.process.kill('SIGTERM');
    await Promise.all([given.ended, alone.ended, puzzling.ended]);
  });

  it('are those of a gateway in code too', async () => {
    const names = async (options: GatewayOptions) => {
      const dataDir = join(programs.folder, 'data');
      const gateway = await createGateway({ minWorkers: 1, logLevel: 'ERROR', dataDir, ...options });
      const found = gateway.tools().map(({ name }) => name);
      await gateway.close();
      return found;
    };
    const tools = [fixture('basic-tools')];
    expect(await names({})).to.deep.equal(BUILT_INS);
    expect(await names({ tools })).not.to.include.members(BUILT_INS);
    expect(await names({ tools, builtIns: 'on' })).to.include.members(BUILT_INS);
    const runners = [newRunner('mine')];
    expect(await names({ runners })).to.deep.equal(['mine']);
    expect(await names({ runners: [newRunner('mine')], builtIns: 'off' })).to.deep.equal(['mine']);
    expect(await names({ runners: [newRunner('mine')], builtIns: 'on' })).to.deep.equal([
      'journeys_tool',
      'mine',
      'primes_tool',
    ]);
    const refused = await names({ builtIns: 'off' }).catch((error) => error);
    expect(refused).to.be.instanceOf(ConfigError);
    expect(refused.problems).to.have.length(1);
  });
});
