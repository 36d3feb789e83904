/** A pause that is longer than a reader may stand still. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { fixture } from '../../support/start-pool.ts';
import { type ConsoleSession, holdRun, openConsole, shown } from './console-session.ts';

/** Longer than a machine that is busy holds a browser up by itself. */
const STALL_MS = 4000;

describe('a run that is paused for longer than STREAM_STALL', function () {
  this.timeout(120_000);
  let session: ConsoleSession | undefined;
  before(async function () {
    session = await openConsole({ streamStallMs: STALL_MS, tools: [fixture('basic-tools')] });
    if (!session) this.skip();
  });
  after(() => session?.close());

  for (const carrier of ['socket', 'stream'] as const)
    it(`goes on where it was, over a ${carrier}`, async () => {
      const { page, fill, run, newest, served } = session as ConsoleSession;
      const n = 1500;
      const total = () => shown(newest());
      await fill('count', { n, pad: 4000, delayMs: 1 });
      await page.getByLabel('Over').selectOption(carrier);
      const held = await holdRun(page, run, n);
      await sleep(1.5 * STALL_MS);
      expect(await total()).to.equal(held);
      await newest().getByRole('button', { name: 'Go on', exact: true }).click();
      await page.locator('article.run:first-child.success').waitFor();
      await eventually(async () => (await total()) === n);
      const transports = served.gateway.stats()['transports'] as Record<string, { slowConsumers: number }>;
      for (const { slowConsumers } of Object.values(transports)) expect(slowConsumers).to.equal(0);
    });
});
