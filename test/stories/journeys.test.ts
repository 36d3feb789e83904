/** Journeys through the whole gateway: nothing acknowledged is lost, everyone sees the same, a list of any length flows. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect } from 'chai';
import { parseJourneyFields } from '../../workers/tools/journey.ts';
import { JourneyStore } from '../../workers/tools/journey-store.ts';
import { type GatewayProcess, KEY, startGatewayProcess } from '../support/gateway-process.ts';
import { readEvents } from '../support/sse-events.ts';

const STDIO_BIN = fileURLToPath(new URL('../../bin/stdio.js', import.meta.url));

describe('story: journeys', function () {
  this.timeout(240_000);
  let dataDir: string;

  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'journeys-'));
  });

  afterEach(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });

  const call = (gateway: GatewayProcess, args: object, path = '') =>
    fetch(`${gateway.url}/tools/journeys_tool${path}`, {
      method: 'POST',
      headers: { 'X-API-Key': KEY, 'Content-Type': 'application/json' },
      // A stream need not repeat what it has sent.
      body: JSON.stringify({ arguments: args, ...(path === '' ? {} : { result: 'none' }) }),
    });
  const answer = async (gateway: GatewayProcess, args: object) =>
    JSON.parse(await (await call(gateway, args)).text()).data;

  it('has every acknowledged journey after the gateway was killed while clients wrote', async () => {
    const acknowledged: string[] = [];
    for (let round = 0; round < 3; round++) {
      const gateway = await startGatewayProcess({ dataDir });
      let alive = true;
      const client = async () => {
        while (alive) {
          try {
            acknowledged.push((await answer(gateway, { action: 'create', name: `round ${round}` })).id);
          } catch {
            return;
          }
        }
      };
      const clients = Array.from({ length: 8 }, client);
      while (acknowledged.length < 100 * (round + 1)) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await gateway.end('SIGKILL')).to.equal('SIGKILL');
      alive = false;
      await Promise.all(clients);
    }
    const gateway = await startGatewayProcess({ dataDir });
    const kept = new Set((await answer(gateway, { action: 'list' })).map(({ id }: { id: string }) => id));
    expect(acknowledged.filter((id) => !kept.has(id))).to.deep.equal([]);
    expect(await gateway.end()).to.equal(0);
  });

  it('shows the same journeys to every thread and to a stdio process beside the gateway', async () => {
    const gateway = await startGatewayProcess({ dataDir });
    const client = new Client({ name: 'story', version: '1' });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [STDIO_BIN],
        env: { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir },
        stderr: 'ignore',
      }),
    );
    try {
      const made = await Promise.all(
        Array.from({ length: 20 }, (_, n) => answer(gateway, { action: 'create', name: `http ${n}` })),
      );
      const byStdio = await client.callTool({
        name: 'journeys_tool',
        arguments: { action: 'create', name: 'by stdio' },
      });
      const { id } = byStdio.structuredContent as { id: string };
      expect(await answer(gateway, { action: 'get', id })).to.include({ name: 'by stdio' });
      const listed = await client.callTool({ name: 'journeys_tool', arguments: { action: 'list' } });
      const { data } = listed.structuredContent as { data: { id: string }[] };
      expect(data.map((journey) => journey.id)).to.have.members([...made.map((journey) => journey.id), id]);
    } finally {
      await client.close();
      expect(await gateway.end()).to.equal(0);
    }
  });

  it('streams 100 000 journeys with flat memory, and refuses to send them all in one answer', async () => {
    const store = await JourneyStore.open(dataDir);
    for (let batch = 0; batch < 10; batch++) {
      const journeys = Array.from({ length: 10_000 }, (_, n) =>
        parseJourneyFields({ name: `${batch * 10_000 + n}` }),
      );
      await store.import(journeys, () => {});
    }
    store.close();
    const gateway = await startGatewayProcess({ dataDir });
    /** @returns what came, and the most memory seen on the way. */
    const streamAll = async () => {
      let most = 0;
      let [count, inOrder, last] = [0, true, ''];
      for await (const { event, data } of readEvents(
        (await call(gateway, { action: 'list' }, '/stream')).body,
      )) {
        last = event;
        if (event !== 'chunk') continue;
        if (data.data.name !== String(count) || data.index !== count) inOrder = false;
        if (++count % 5000 === 0) most = Math.max(most, gateway.memoryMib());
      }
      return { most, came: { count, inOrder, last } };
    };
    // Once to warm: heaps grow to what a stream of this pace needs. What a list of this length would hold comes on top,
    // each time anew.
    const before = (await streamAll()).most;
    let { most, came } = await streamAll();
    // One look may find garbage that is about to go; what is kept would be there each time.
    for (let tries = 0; tries < 2 && most - before >= 64; tries++) ({ most, came } = await streamAll());
    console.log(`        ${before.toFixed(0)} MiB before, ${most.toFixed(0)} MiB at most`);
    expect(came).to.deep.equal({ count: 100_000, inOrder: true, last: 'done' });
    expect(most - before).to.be.below(64);

    const whole = await call(gateway, { action: 'list' });
    expect(whole.status).to.equal(500);
    const problem = JSON.parse(await whole.text());
    expect(problem.code).to.equal('result_too_large');
    expect(problem.detail).to.match(/stream|less|limit/);
    const page = JSON.parse(await (await call(gateway, { action: 'list', limit: 3 })).text());
    expect(page.data).to.have.length(3);
    expect(page.meta.nextCursor).to.be.a('string');
    expect(await gateway.end()).to.equal(0);
  });
});
