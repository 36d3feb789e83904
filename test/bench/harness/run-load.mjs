/** Runs one of our own load programs as a process and gives its JSON answer. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { benchDirectory } from './contestant.mjs';

const run = promisify(execFile);
const LIMIT_MS = 120_000;

export async function runLoad(program, job) {
  try {
    const { stdout } = await run(process.execPath, [`load/${program}.mjs`, JSON.stringify(job)], {
      cwd: benchDirectory,
      timeout: LIMIT_MS,
    });
    return JSON.parse(stdout);
  } catch (error) {
    const line = String(error.stderr ?? '')
      .split('\n')
      .find((text) => /^\w*Error/.test(text));
    throw new Error(line ?? error.message);
  }
}
