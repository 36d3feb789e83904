/** Runs the official conformance packages. */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';

const require = createRequire(import.meta.url);
const shim = new URL('./fs-glob-shim.js', import.meta.url).href;

/** Runs a suite of the official conformance package against `url`. */
export async function runSuite(packageName: string, url: string, ...options: string[]) {
  const suite = join(dirname(require.resolve(`${packageName}/package.json`)), 'dist', 'index.js');
  const child = spawn(process.execPath, ['--import', shim, suite, 'server', '--url', url, ...options]);
  const [output, errors, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve) => child.on('close', resolve)),
  ]);
  const [, passed, failed] = /Total: (\d+) passed, (\d+) failed/.exec(output) ?? [];
  return { passed: Number(passed), failed: Number(failed), exitCode, output: output + errors };
}
