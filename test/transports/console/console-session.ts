/** A gateway, its console in a browser, and what tests of it do there. */
import type { Locator, Page } from 'playwright-core';
import type { GatewayOptions } from '../../../lib/index.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { openBrowser } from './browser.ts';

const PATIENCE_MS = 15_000;

export interface ConsoleSession {
  readonly served: TestGateway;
  readonly page: Page;
  /** Opens a tool by a link, its form filled. */
  fill(tool: string, args?: object): Promise<unknown>;
  run(): Promise<void>;
  newest(): Locator;
  close(): Promise<void>;
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
