/** A gateway, its console in a browser, and what tests of it do there. */
import type { Locator, Page } from 'playwright-core';
import type { GatewayOptions } from '../../../lib/index.ts';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { openBrowser } from './browser.ts';

/** How long anything may take to appear. */
export const PATIENCE_MS = 30_000;

export interface ConsoleSession {
  readonly served: TestGateway;
  readonly page: Page;
  /** Opens a tool by a link, its form filled. */
  fill(tool: string, args?: object): Promise<unknown>;
  run(): Promise<void>;
  newest(): Locator;
  close(): Promise<void>;
}

/** How many chunks the newest run shows. */
export async function shown(newest: Locator): Promise<number> {
  return Number((await newest.locator('.total').textContent())?.replaceAll(',', '') ?? 0);
}

/**
 * Runs a tool and pauses it in the middle; again, where the machine was held up and the run was over before.
 * @returns how many chunks it shows of the `n` that it has.
 */
export async function holdRun(page: Page, run: () => Promise<void>, n: number): Promise<number> {
  const newest = page.locator('article.run').first();
  const note = newest.getByText(/Held back: the tool waits at its yield/);
  for (let again = 0; ; again++) {
    await run();
    await eventually(async () => (await newest.locator('.total').count()) > 0 && (await shown(newest)) > 0);
    const pause = newest.getByRole('button', { name: 'Pause', exact: true });
    await pause.click({ timeout: 5000 }).catch(() => undefined);
    await note.or(page.locator('article.run:first-child.success')).first().waitFor();
    const held = await shown(newest);
    if ((await note.count()) > 0 && held < n) return held;
    if (again === 4) throw new Error('no run could be paused in its middle');
  }
}

/** Connected by the key; undefined where there is no browser. */
export async function openConsole(options: GatewayOptions): Promise<ConsoleSession | undefined> {
  const browser = await openBrowser();
  if (!browser) return undefined;
  const served = await startGateway(options);
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(`${served.url}/console/`);
  await page.getByLabel('API key').fill('super-secret');
  await page.keyboard.press('Enter');
  await page.locator('.home').waitFor();
  return {
    served,
    page,
    fill: (tool, args = {}) =>
      page.goto(`${served.url}/console/#/tools/${tool}?args=${encodeURIComponent(JSON.stringify(args))}`),
    run: () => page.locator('.run-line').getByRole('button', { name: 'Run' }).click(),
    newest: () => page.locator('article.run').first(),
    async close() {
      await browser.close();
      await served.close();
    },
  };
}
