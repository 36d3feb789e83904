/** The console in a real browser: what a newcomer does, what an expert breaks, and what axe-core says of it. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { MountFolder, scripted } from '../../runners/upstream/scripted-server.ts';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';
import { openBrowser } from './browser.ts';
import { holdRun, PATIENCE_MS, shown } from './console-session.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

describe('the console, in a browser', function () {
  this.timeout(180_000);
  let served: TestGateway;
  const mounted = new MountFolder();
  let browser: Browser | undefined;
  let page: Page;
  const requested: string[] = [];
  const complaints: string[] = [];

  before(async function () {
    browser = await openBrowser();
    if (!browser) return this.skip();
    const tools = ['basic-tools', 'form-tools'].map(fixture);
    mounted.write({ x: scripted({ instances: 2 }) });
    const options = { tools, graphql: true, mcpConfig: mounted.file };
    served = await startGateway({ requestTimeoutMs: 120_000, ...options });
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.setDefaultTimeout(PATIENCE_MS);
    page.on('request', (request) => requested.push(request.url()));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
  });
  after(async () => {
    await browser?.close();
    await served?.close();
    mounted.remove();
  });

  const fill = (tool: string, args?: object) =>
    page.goto(
      `${served.url}/console/#/tools/${tool}${args ? `?args=${encodeURIComponent(JSON.stringify(args))}` : ''}`,
    );
  const run = () => page.locator('.run-line').getByRole('button', { name: 'Run' }).click();
  const newest = () => page.locator('article.run').first();
  /** Of the newest run. */
  const reaches = (phase: string) => page.locator(`article.run:first-child.${phase}`).waitFor();
  const act = (name: string) => newest().getByRole('button', { name, exact: true }).click();
  // The page shows what came a frame or more after it came.
  const totals = (n: number) =>
    eventually(async () => (await shown(newest())) === n, { what: `${n} chunks on the page` });
  const holds = (label: string, value: string) =>
    eventually(async () => (await page.getByLabel(label, { exact: true }).inputValue()) === value);
  const clear = async () => {
    const button = page.getByRole('button', { name: 'Dismiss', exact: true });
    for (let left = await button.count(); left > 0; left--) await button.first().click();
  };

  async function expectAccessible(what: string): Promise<void> {
    await page.evaluate(AXE);
    const found: readonly Violation[] = await page.evaluate(
      "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations)",
    );
    expect(
      found.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`),
      what,
    ).to.deep.equal([]);
  }

  it('asks for a key, says when one is wrong, and lists the tools', async () => {
    await page.goto(served.url, { waitUntil: 'load' });
    expect(page.url()).to.equal(`${served.url}/console/`);
    await page.getByLabel('API key').fill('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await expectAccessible('the key');
    await page.getByLabel('API key').fill('super-secret');
    await page.keyboard.press('Enter');
    await page
      .locator('.home')
      .getByRole('link', { name: /^count/ })
      .waitFor();
    await expectAccessible('the first look');
    await page.keyboard.press('/');
    await page.keyboard.type('yields 0 to');
    await eventually(async () => (await page.locator('.side nav a').allTextContents()).join() === 'count');
    await page.getByRole('searchbox').fill('');
  });

  it('runs a tool by keyboard alone, and shows what comes', async () => {
    await page.locator('.side').getByRole('link', { name: /^sum/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('n', { exact: true }).focus();
    await page.keyboard.type('5');
    await page.keyboard.press('Control+Enter');
    await reaches('success');
    await totals(5);
    expect(await newest().locator('.line').allTextContents()).to.deep.equal(['01', '12', '23', '34', '45']);
    expect(JSON.parse((await newest().locator('.result pre').textContent()) ?? '')).to.deep.equal({
      total: 15,
    });
    await expectAccessible('a run');
  });

  it('fills a form from a link and runs nothing; Form and JSON are the same arguments', async () => {
    await clear();
    await fill('count', { n: 3 });
    await holds('n', '3');
    expect(await page.locator('article.run').count()).to.equal(0);
    await page.getByRole('button', { name: 'JSON', exact: true }).click();
    await page.getByLabel('Arguments as JSON').fill('{"n": 4');
    await page.getByText('No JSON yet').waitFor();
    await run(); // what is no JSON is not left out silently: nothing is sent
    expect(await page.locator('article.run').count()).to.equal(0);
    expect(
      await page.getByLabel('Arguments as JSON').evaluate('document.activeElement.matches("textarea")'),
    ).to.equal(true);
    await page.getByLabel('Arguments as JSON').fill('{"n": "four"}');
    await page.getByRole('button', { name: 'Form', exact: true }).click();
    await holds('n', 'four');
  });

  it('makes a form of every shape of schema', async () => {
    await fill('shapes');
    await page.getByRole('button', { name: 'Form', exact: true }).click();
    await page.getByLabel('street').fill('Main');
    await page.getByLabel('level').selectOption('3');
    await page.getByLabel('flag').selectOption('true');
    await page.getByLabel('size').fill('7');
    await page.getByLabel('zip').fill('1');
    await page
      .locator('.field', { has: page.getByLabel('zip') })
      .last()
      .getByRole('button', { name: 'set null' })
      .click();
    await page.getByLabel('Kind of shape').selectOption('Square');
    await page.getByLabel('side').fill('2.5');
    await page.getByRole('button', { name: 'Add tags' }).click();
    await page
      .locator('fieldset', { hasText: 'tags' })
      .last()
      .getByRole('button', { name: 'Add an item' })
      .click();
    await page.getByLabel('tags 1', { exact: true }).fill('red');
    await page.getByRole('button', { name: 'Add tree' }).click();
    await page.getByLabel('label').fill('root');
    await page.getByLabel('anything').fill('{"free": [1]}');
    await expectAccessible('a form of every shape');
    await run();
    await reaches('success');
    expect(JSON.parse((await newest().locator('.result pre').textContent()) ?? '')).to.deep.equal({
      level: 3,
      fixed: 'v1',
      flag: true,
      size: 7,
      home: { street: 'Main', zip: null },
      tags: ['red'],
      shape: { kind: 'square', side: 2.5 },
      tree: { label: 'root' },
      anything: { free: [1] },
    });
    await clear();
  });

  it('shows what is wrong with an argument beside it, and what to do', async () => {
    await fill('count', { n: 'four' });
    await run();
    await reaches('error');
    const field = page.getByLabel('n', { exact: true });
    await eventually(async () => (await field.getAttribute('aria-invalid')) === 'true');
    const about = (await field.getAttribute('aria-describedby')) ?? '';
    expect(await page.locator(`[id="${about}"]`).textContent()).to.match(/number/);
    expect(await newest().locator('.failure').textContent()).to.match(
      /invalid_arguments.*Correct the fields/,
    );
    await expectAccessible('an error');
  });

  it('shows 120 000 chunks with few rows, the oldest dropped and counted', async () => {
    await fill('count', { n: 120_000 });
    await page.getByLabel('Over').selectOption('stream');
    await run();
    await reaches('success');
    await totals(120_000);
    expect(await newest().locator('.dropped').textContent()).to.match(/^20,000 /);
    expect(await newest().locator('.line').count()).to.be.below(60);
    const last = newest().locator('.line').last();
    await eventually(async () => (await last.textContent()) === '119,999{"i":119999}');
  });

  // Playwright is told of each frame of a WebSocket, which is slow: less of it there.
  for (const [carrier, args] of [
    ['socket', { n: 1500, pad: 4000, delayMs: 1 }],
    ['stream', { n: 20_000, pad: 4000 }],
  ] as const)
    it(`holds a tool back while paused over a ${carrier}, and loses no chunk`, async () => {
      await clear();
      await fill('count', args);
      await page.getByLabel('Over').selectOption(carrier);
      await holdRun(page, run, args.n);
      await expectAccessible('paused');
      await act('Go on');
      await reaches('success');
      await totals(args.n);
      const last = newest().locator('.line').last();
      await eventually(async () => (await last.textContent())?.includes(`{"i":${args.n - 1},`));
    });

  it('cancels, with several runs side by side, and runs again', async () => {
    await clear();
    await fill('wait', { ms: 60_000 });
    await run();
    await run();
    await eventually(async () => (await page.locator('article.run.running').count()) === 2);
    await act('Cancel');
    await reaches('cancelled');
    expect(await page.locator('article.run.running').count()).to.equal(1);
    await page.locator('article.run.running').getByRole('button', { name: 'Cancel' }).press('Escape');
    await eventually(async () => (await page.locator('article.run.running').count()) === 0);
    await act('Run again');
    await reaches('running');
    await act('Cancel');
    await reaches('cancelled');
  });

  it('asks what a tool asks, as a form', async () => {
    await fill('ask');
    await run();
    await page.getByLabel('colour', { exact: true }).fill('blue');
    await expectAccessible('a question');
    await page.getByRole('button', { name: 'Answer' }).click();
    await reaches('success');
    expect(await newest().locator('.result pre').textContent()).to.match(/"colour": "blue"/);
  });

  it('gives snippets without the key, for every client', async () => {
    await page.getByText('Use it elsewhere').click();
    for (const name of [
      'curl',
      'fetch',
      'Python',
      'WebSocket',
      'Claude Desktop',
      'Claude Code',
      'VS Code',
      'Cursor',
    ]) {
      await page.getByRole('button', { name, exact: true }).click();
      const text = (await page.getByLabel('The snippet').textContent()) ?? '';
      expect(text, name)
        .to.match(/\$API_KEY/)
        .and.not.match(/super-secret/);
    }
  });

  it('shows the pool at work, and cancels what runs there', async () => {
    await fill('spin', { ms: 60_000 });
    await run();
    await reaches('running');
    await page.getByRole('link', { name: 'Pool' }).click();
    await page.locator('.threads li.busy', { hasText: 'spin' }).waitFor();
    await eventually(async () => (await page.locator('.chart canvas').count()) === 6);
    const server = page.getByRole('region', { name: 'Mounted servers' }).getByRole('row', { name: /^x / });
    await eventually(async () => /^x1 ready, 1 idle\d+000\d/.test((await server.textContent()) ?? ''));
    await expectAccessible('the pool');
    await page.emulateMedia({ colorScheme: 'dark' });
    await expectAccessible('the pool in the dark');
    await page.getByRole('button', { name: /^Cancel spin/ }).click();
    await page.getByRole('region', { name: 'Running calls' }).waitFor({ state: 'detached' });
  });

  it('shows the messages of an MCP client', async () => {
    await page.getByRole('link', { name: 'MCP', exact: true }).click();
    await page.locator('#mcp-tool option', { hasText: /^count$/ }).waitFor({ state: 'attached' });
    await page.getByLabel('Tool', { exact: true }).selectOption('count');
    await page.getByLabel('Arguments', { exact: true }).fill('{"n": 2}');
    await page.getByRole('button', { name: 'Call', exact: true }).click();
    await page.getByText('The tool has answered.').waitFor();
    expect(await page.getByLabel('The answer').textContent()).to.contain('structuredContent');
    await page.locator('.messages li:first-child', { hasText: /result #\d/ }).waitFor();
    const said = (await page.locator('.messages .mono').allTextContents()).join();
    expect(said).to.match(
      /result #\d.*notifications\/progress.*tools\/call.*notifications\/initialized.*initialize/,
    );
    await expectAccessible('MCP in the dark');
  });

  it('runs operations of GraphQL, and shows the results of a subscription as they come', async () => {
    await page.getByRole('link', { name: 'GraphQL', exact: true }).click();
    await page
      .locator('.listed .mono', { hasText: 'count(n: SafeInt!, delayMs: Float, pad: SafeInt): JSON' })
      .waitFor();
    const operation = page.getByLabel('Operation', { exact: true });
    const variables = page.getByLabel('Variables', { exact: true });
    const example = async (name: string) => {
      const before = await variables.inputValue();
      await page.getByRole('button', { name, exact: true }).click();
      await eventually(async () => (await variables.inputValue()) !== before);
    };
    const newestResult = page.locator('.messages li:first-child pre');
    await operation.press('Control+Enter');
    await newestResult.filter({ hasText: '"field": "spinShared"' }).waitFor();
    await example('Stream');
    await variables.fill('{"tool": "count", "arguments": {"n": 3000}}');
    await operation.press('Control+Enter');
    await newestResult.filter({ hasText: '"chunks": 3000' }).waitFor();
    await eventually(async () => (await page.locator('.messages details[open]').count()) === 1);
    await page.locator('.messages li:last-child summary').click();
    await page.locator('.messages li:last-child pre', { hasText: 'CallStarted' }).waitFor();
    await variables.fill('{"tool": "wait", "arguments": {"ms": 60000}}');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await newestResult.filter({ hasText: 'CallStarted' }).waitFor();
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    await eventually(() => served.gateway.stats().tools['wait']?.inFlight === 0);
    await example('Call');
    await variables.fill('{"tool": "nope"}');
    await operation.press('Control+Enter');
    await newestResult.filter({ hasText: '"code": "tool_not_found"' }).waitFor();
    await operation.fill('{ nope');
    await operation.press('Control+Enter');
    await newestResult.filter({ hasText: 'parse_error' }).waitFor();
    await expectAccessible('GraphQL');
  });

  it('fits a phone', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await fill('wait', { ms: 60_000 });
    await run();
    await reaches('running');
    await eventually(async () => ((await newest().boundingBox())?.y ?? 844) < 684); // it came into sight
    for (const view of ['tools/journeys_tool', 'pool', 'mcp', 'graphql']) {
      await page.goto(`${served.url}/console/#/${view}`);
      await page.locator('h1').waitFor();
      if (view === 'pool') await page.getByRole('button', { name: /^Cancel wait/ }).click();
      expect(await page.evaluate('document.documentElement.scrollWidth'), view).to.equal(390);
      await expectAccessible(`${view} on a phone`);
    }
  });

  it('keeps the key out of addresses and storage, asks nobody else, and breaks no rule of its policy', async () => {
    expect(
      requested.filter((url) => !url.startsWith(served.url) && !/^(?:ws:\/\/127|data:)/.test(url)),
    ).to.deep.equal([]);
    expect(requested.filter((url) => /super-secret|api_key/.test(url))).to.deep.equal([]);
    expect(await page.evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie])')).to.equal(
      '[{},{},""]',
    );
    expect(complaints.filter((text) => !/status of 4\d\d/.test(text))).to.deep.equal([]);
  });
});
