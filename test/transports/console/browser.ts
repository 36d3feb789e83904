/** Debian's Chromium, where it is installed. */
import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Undefined where there is none; the reason is printed. */
export async function openBrowser(): Promise<Browser | undefined> {
  for (const name of NAMES) {
    const { status, stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
    if (status === 0) return chromium.launch({ executablePath: stdout.trim(), args: FLAGS });
  }
  console.log(`      no browser is on the PATH (Debian: apt-get install chromium): ${NAMES.join(', ')}`);
  return undefined;
}
