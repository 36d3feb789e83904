/** A pause that is longer than a reader may stand still. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from '../../support/eventually.ts';
import { fixture } from '../../support/start-pool.ts';
import { type ConsoleSession, openConsole } from './console-session.ts';

const STALL_MS = 500;

describe('a run that is paused for longer than STREAM_STALL', function () {
  this.timeout(60_000);
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
      const total = async () =>
        Number((await newest().locator('.total').textContent())?.replaceAll(',', '') ?? 0);
      await fill('count', { n, pad: 4000, delayMs: 1 });
      await page.getByLabel('Over').selectOption(carrier);
      await run();
      await eventually(async () => (await newest().locator('.total').count()) > 0 && (await total()) > 0);
      await newest().getByRole('button', { name: 'Pause', exact: true }).click();
      await newest()
        .getByText(/Held back: the tool waits at its yield/)
        .waitFor();
      const held = await total();
      expect(held).to.be.below(n);
      await sleep(4 * STALL_MS);
      expect(await total()).to.equal(held);
      await newest().getByRole('button', { name: 'Go on', exact: true }).click();
      await page.locator('article.run:first-child.success').waitFor();
      expect(await total()).to.equal(n);
      const transports = served.gateway.stats()['transports'] as Record<string, { slowConsumers: number }>;
      for (const { slowConsumers } of Object.values(transports)) expect(slowConsumers).to.equal(0);
    });
});
