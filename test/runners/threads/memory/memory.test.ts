/**
 * Tools that take too much memory, on the default limits, in a process of its own: that it is still there is what is
 * tested.
 */
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { eventually } from '../../../support/eventually.ts';
import { type GatewayProcess, KEY, startGatewayProcess } from '../../../support/gateway-process.ts';

const TOOLS = fileURLToPath(new URL('../../../fixtures/greedy-tools.js', import.meta.url));

interface Answer {
  readonly code?: string;
  readonly detail?: string;
  readonly data?: unknown;
  readonly retryAfterMs?: number;
}

async function post({ url }: GatewayProcess, tool: string, args: object = {}): Promise<Answer> {
  const response = await fetch(`${url}/tools/${tool}`, {
    method: 'POST',
    headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
    body: JSON.stringify({ arguments: args }),
  });
  return (await response.json()) as Answer;
}

describe('a tool that takes too much memory', function () {
  this.timeout(120_000);
  let gateway: GatewayProcess;
  let atStart: number;

  before(async () => {
    gateway = await startGatewayProcess({ args: ['--tools', TOOLS] });
    expect((await post(gateway, 'waits')).data).to.equal('waited');
    atStart = gateway.memoryMib();
  });

  after(async () => {
    expect(await gateway.end()).to.equal(0);
  });

  // A shared tool that blocks its thread for 5 s is stuck, whatever it takes: shared are those that are quick.
  const SHARED = ['arrays_shared', 'strings_shared', 'async_shared'];
  const AT_ONCE = ['fill', 'characters', 'parts', 'matches', 'pattern', 'replaced', 'nested', 'parse_more'];
  const EXCLUSIVE = [...AT_ONCE, 'split', 'parse', 'push', 'objects', 'arrays', 'map'].map(
    (kind) => `${kind}_exclusive`,
  );
  for (const name of [...EXCLUSIVE, ...SHARED]) {
    it(`loses its thread and nothing else: ${name}`, async () => {
      const { code, detail } = await post(gateway, name);
      expect(code, detail).to.equal('worker_out_of_memory');
      expect(detail).to.match(/WORKER_HEAP_MB/);
      expect((await post(gateway, 'waits')).data).to.equal('waited');
    });
  }

  it('leaves the calls on other threads alone', async () => {
    const other = post(gateway, 'waits', { ms: 3000 });
    expect((await post(gateway, 'arrays_exclusive')).code).to.equal('worker_out_of_memory');
    expect((await other).data).to.equal('waited');
  });

  for (const name of [
    'buffer_exclusive',
    'binary_shared',
    'text_exclusive',
    'repeated_shared',
    'yields_buffer',
  ]) {
    it(`is told so before its text is made: ${name}`, async () => {
      const { code } = await post(gateway, name);
      expect(code).to.equal('result_too_large');
    });
  }

  for (const name of ['litter_exclusive', 'litter_shared', 'litter_buffers_exclusive'])
    it(`is not one that only leaves much garbage: ${name}`, async () => {
      expect((await post(gateway, name)).data).to.equal(true);
    });

  it('gives its memory back', async () => {
    await eventually(() => gateway.memoryMib() < atStart + 400);
  });
});

describe('binary values', function () {
  this.timeout(60_000);

  it('travel as base64 by themselves and inside other values, and as ever where the tool writes them', async () => {
    const gateway = await startGatewayProcess({ args: ['--tools', TOOLS], env: { LOG_LEVEL: 'INFO' } });
    const { data } = await post(gateway, 'small_bytes');
    expect(data).to.deep.equal({
      own: '{"type":"Buffer","data":[97]}',
      view: { $base64: 'AQID' },
      list: [{ $base64: 'AAA=' }],
    });
    const response = await fetch(`${gateway.url}/tools/small_bytes/stream`, {
      method: 'POST',
      headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
      body: '{"arguments":{}}',
    });
    expect(await response.text()).to.include('data: {"index":0,"data":{"$base64":"YWJj"}}');
    await gateway.end();
    expect(gateway.stderr()).to.match(/bytes.*AQID/);
  });
});

describe('MEMORY_LIMIT', function () {
  this.timeout(60_000);

  it('ends the largest thread, refuses calls meanwhile, and takes them again', async () => {
    const gateway = await startGatewayProcess({ args: ['--tools', TOOLS, '--memory-limit', '400MiB'] });
    const hoarding = [post(gateway, 'hoards_buffers'), post(gateway, 'hoards_buffers')];
    const meanwhile: Promise<Answer>[] = [];
    let settled = 0;
    for (const call of hoarding) void call.then(() => settled++);
    while (settled < 2) {
      // None waits for the one before it: memory may be short for a moment only.
      meanwhile.push(post(gateway, 'waits', { ms: 2 }));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const refused = (await Promise.all(meanwhile)).find(
      ({ code, detail }) => code === 'overloaded' && /MEMORY_LIMIT/.test(detail ?? ''),
    );
    for (const answer of await Promise.all(hoarding)) {
      expect(answer.code).to.equal('worker_out_of_memory');
      expect(answer.detail).to.match(/MEMORY_LIMIT/);
    }
    expect(refused).to.deep.include({ code: 'overloaded', retryAfterMs: 1000 });
    await eventually(async () => (await post(gateway, 'waits')).data === 'waited');
    expect(await gateway.end()).to.equal(0);
  });
});
