/** The limits that tools have, and what TOOL_LIMITS makes of them. */
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ErrorEvent } from '../../lib/call/call-events.ts';
import { loadConfig } from '../../lib/config/load.ts';
import { limitsOf, readLimitRules } from '../../lib/dispatch/policy/limit-rules.ts';
import { defineTool } from '../../lib/tool/define-tool.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway } from '../support/start-gateway.ts';
import { fixture } from '../support/start-pool.ts';
import { type StillClock, stillClock } from '../support/still-clock.ts';
import { endOf, result, type Script } from '../transports/scripted-runner.ts';
import { codeOf, hang, scriptedGateway } from './scripted-gateway.ts';

const tool: Script = async function* () {
  yield { type: 'started' };
  yield result('fine');
};

describe('TOOL_LIMITS', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'limits-'));
    path = join(folder, 'limits.json');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (value: unknown) =>
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  const named = (name: string, more = {}) => ({
    name,
    description: name,
    inputSchema: { type: 'object' },
    isolation: 'shared' as const,
    ...more,
  });

  it('overrides what the tools say, limit by limit; what stands further down holds, and null lifts', () => {
    write({
      '*': { rate: 20, timeoutMs: 1000 },
      'report_*': { concurrency: 2, cacheSeconds: 1.5 },
      report_s: { concurrency: null, rate: null, timeoutMs: 5 },
    });
    const { rules, problems } = readLimitRules(path);
    expect(problems).to.deep.equal([]);
    const own = { concurrency: 7, cacheSeconds: 60 };
    expect(limitsOf(named('other', own), rules)).to.deep.equal({ ...own, rate: 20, timeoutMs: 1000 });
    expect(limitsOf(named('report_b', own), rules)).to.deep.equal({
      concurrency: 2,
      rate: 20,
      cacheSeconds: 1.5,
      timeoutMs: 1000,
    });
    expect(limitsOf(named('report_s', own), rules)).to.deep.equal({ cacheSeconds: 1.5, timeoutMs: 5 });
  });

  it('is refused as a whole, and all that is wrong with it is told', () => {
    write({
      a: { concurrency: 0, rate: 'many', cacheSeconds: -1, timeoutMs: 1.5 },
      'b c': { burst: 3 },
      d: 7,
      e: { concurrency: 2 },
      f: { rate: 0.5, cacheSeconds: 1e9, timeoutMs: 1e12, __proto__: null },
    });
    const { rules, problems } = readLimitRules(path);
    expect(rules).to.deep.equal([]);
    for (const problem of problems) expect(problem).to.contain(`TOOL_LIMITS, ${path}: `);
    const told = problems.map((problem) => problem.slice(problem.indexOf(': ') + 2));
    expect(told[0]).to.match(/^"a" has concurrency 0; expected a whole number from 1 to 10000, or null/);
    expect(told.join('\n'))
      .to.contain('"a" has rate "many"; expected')
      .and.contain('"a" has cacheSeconds -1')
      .and.contain('"a" has timeoutMs 1.5')
      .and.contain('"b c" names no tool')
      .and.contain(
        '"b c" has "burst", which is no limit; expected concurrency, rate, cacheSeconds, timeoutMs',
      )
      .and.contain('"d" is 7; expected an object of limits')
      .and.contain('"f" has rate 0.5');
    for (const [text, reason] of [
      ['{', 'is no JSON'],
      ['[]', 'is no JSON object'],
      ['null', 'is no JSON object'],
    ] as const) {
      write(text);
      expect(readLimitRules(path).problems.join()).to.contain(path).and.contain(reason);
    }
    expect(readLimitRules(join(folder, 'none')).problems.join()).to.contain('cannot be read (ENOENT)');
  });

  it('is looked at with the other options, and refused in the same message', () => {
    write({ a: { concurrency: 'x' } });
    const load = () =>
      loadConfig({
        env: { TOOL_LIMITS: path, MIN_WORKERS: '9', MAX_WORKERS: '3' },
        flags: {},
        listens: true,
      });
    expect(load).to.throw(/MIN_WORKERS[\s\S]*"a" has concurrency "x"/);
  });

  it('refuses cacheSeconds for a tool that does not only read', () => {
    write({ '*': { cacheSeconds: 5 } });
    const start = (fields: object) => scriptedGateway({ tool }, { tool: fields }, { limitsFile: path });
    expect(() => start({})).to.throw(
      /the tool "tool" has cacheSeconds 5 \(TOOL_LIMITS, "\*"\).*readOnlyHint: true/,
    );
    expect(() => start({ annotations: { idempotentHint: true } })).to.throw(/readOnlyHint/);
    const gateway = start({ annotations: { readOnlyHint: true } });
    return gateway.dispatcher.close();
  });

  it('is read again when it changes, whole files put in its place included; a bad one changes nothing', async () => {
    write({ tool: { concurrency: 1 } });
    const gateway = scriptedGateway({ tool: hang }, {}, { limitsFile: path });
    const limit = () => gateway.dispatcher.policiesOf('tool')?.concurrency?.limit;
    try {
      const calls = [1, 2, 3].map(() => gateway.call('tool'));
      expect(gateway.runner.calls).to.have.length(1);
      const next = join(folder, 'next.json');
      writeFileSync(next, JSON.stringify({ tool: { concurrency: 2 } }));
      renameSync(next, path);
      await eventually(() => limit() === 2);
      expect(gateway.runner.calls).to.have.length(2);
      write({ tool: { concurrency: 'x' } });
      await eventually(() => gateway.logs.some((line) => line.includes('the limits before hold on')));
      expect(limit()).to.equal(2);
      write({});
      await eventually(() => limit() === undefined);
      expect(gateway.runner.calls, 'what waited is let go').to.have.length(3);
      for (const call of calls) call.cancel('cancelled');
    } finally {
      await gateway.dispatcher.close();
    }
  });

  it('warns of a name that no tool has', async () => {
    write({ 'nobody_*': { rate: 1 } });
    const gateway = scriptedGateway({ tool }, {}, { limitsFile: path });
    await eventually(() => gateway.logs.includes('TOOL_LIMITS: no tool is named "nobody_*"'));
    await gateway.dispatcher.close();
  });

  it('shortens and lengthens a tool’s own time limit, up to the gateway’s', async () => {
    for (const [own, file, gatewayMs] of [
      [60_000, 20, 60_000],
      [1, 30, 60_000],
      [1, null, 30],
      [1, 60_000, 30],
    ] as const) {
      write({ tool: { timeoutMs: file } });
      const fields = { tool: { timeoutMs: own } };
      const gateway = scriptedGateway({ tool: hang }, fields, { limitsFile: path, timeoutMs: gatewayMs });
      const { error } = (await endOf(gateway.call('tool'))) as ErrorEvent;
      const expected = Math.min(file ?? gatewayMs, gatewayMs);
      expect(error.message).to.equal(`the call did not end within its ${expected} ms`);
      await gateway.dispatcher.close();
    }
  });
});

describe('the rate of a tool', () => {
  let clock: StillClock | undefined;
  afterEach(() => clock?.release());

  it('holds for each key and tool alone, and tells when the next call may come', async () => {
    clock = stillClock();
    const gateway = scriptedGateway({ tool, other: tool }, { tool: { rate: 2 } });
    for (let n = 0; n < 2; n++) expect(await gateway.end('tool')).to.equal('success');
    const { error } = (await endOf(gateway.call('tool'))) as ErrorEvent;
    expect(error).to.include({ code: 'rate_limited', status: 429 });
    expect(error.retryAfterMs).to.be.within(1, 1000);
    expect(await gateway.end('tool', { keyId: 'b' })).to.equal('success');
    expect(await gateway.end('other')).to.equal('success');
    expect(gateway.dispatcher.quotasOf('a', 'tool')).to.have.length(1);
    expect(gateway.dispatcher.quotasOf('a', 'tool')[0]).to.include({
      subject: 'tool',
      calls: 2,
      remaining: 0,
    });
    expect(gateway.dispatcher.quotasOf('a', 'other')).to.deep.equal([]);
    expect(gateway.runner.calls).to.have.length(4);
  });

  it('comes before what is kept: an answer from the cache is a call', async () => {
    clock = stillClock();
    const fields = { rate: 1, cacheSeconds: 60, annotations: { readOnlyHint: true } };
    const gateway = scriptedGateway({ tool }, { tool: fields });
    expect(codeOf(await endOf(gateway.call('tool')))).to.equal('success');
    expect(codeOf(await endOf(gateway.call('tool')))).to.equal('rate_limited');
  });

  it('is 429 with Retry-After over HTTP', async () => {
    const gateway = await startGateway({ tools: [fixture('limited-tools')] });
    const post = () =>
      fetch(`${gateway.url}/tools/rated`, {
        method: 'POST',
        headers: { 'x-api-key': 'super-secret', 'content-type': 'application/json' },
        body: '{}',
      });
    try {
      // More than the tool may run in the seconds over which a slow machine spreads them.
      const answers = await Promise.all(Array.from({ length: 16 }, post));
      const refused = answers.filter(({ status }) => status === 429);
      expect(refused.length).to.be.within(1, 14);
      for (const { headers } of refused) expect(headers.get('retry-after')).to.equal('1');
    } finally {
      await gateway.close();
    }
  });
});

describe('the limits of defineTool()', () => {
  const define = (more: object) => () =>
    defineTool({ name: 'limited', description: 'x', run: async () => 1, ...more });

  it('are refused where they are none, or cannot hold', () => {
    expect(define({ concurrency: 0 })).to.throw(
      TypeError,
      'tool "limited": concurrency is 0; expected a whole number from 1 to 10000',
    );
    for (const bad of [
      { rate: 0.5 },
      { rate: '3' },
      { cacheSeconds: Number.NaN, annotations: { readOnlyHint: true } },
      { timeoutMs: 0 },
      { timeoutMs: null },
    ])
      expect(define(bad)).to.throw(TypeError, /tool "limited": \w+ is .*; expected/);
    expect(define({ cacheSeconds: 5 })).to.throw(TypeError, /readOnlyHint: true/);
    expect(define({ cacheSeconds: 5, annotations: { idempotentHint: true } })).to.throw(
      TypeError,
      /readOnlyHint/,
    );
  });

  it('are taken where they are right', () => {
    const limits = { concurrency: 2, rate: 10, cacheSeconds: 0.5, timeoutMs: 100 };
    expect(define({ ...limits, annotations: { readOnlyHint: true } })()).to.include(limits);
  });
});
