/**
 * Fixture tools in child processes, for tests below the transports.
 */
import { existsSync, readFileSync } from 'node:fs';
import { ProcessRunner } from '../../lib/runners/process/process-runner.ts';
import type { Defect } from '../../lib/runners/runner.ts';
import type { PoolOptions } from '../../lib/runners/threads/worker-pool.ts';
import { noteOpened } from './leak-check.ts';
import { testPool } from './start-pool.ts';

/** All tools of the modules; closing it fails when it had a defect. */
export async function startProcesses(
  options: Partial<PoolOptions> = {},
  modules = ['basic-tools', 'faulty-tools', 'process-tools'],
): Promise<ProcessRunner> {
  const noteClosed = noteOpened();
  const runner = await ProcessRunner.ofAll(testPool({ cancelGraceMs: 500, ...options }, modules));
  const defects: Defect[] = [];
  runner.listen({ defect: (defect) => defects.push(defect) });
  const close = runner.close.bind(runner);
  runner.close = async () => {
    await close();
    await noteClosed();
    for (const { during, error } of defects) throw new Error(`a defect: ${during}`, { cause: error });
  };
  return runner;
}

/** The processes of its children, by their figures. */
export const pidsOf = (runner: ProcessRunner): number[] =>
  runner.stats().own.details.workers.flatMap(({ pid }) => (pid === null ? [] : [pid]));

/** Whether there is such a process, and not only what is left of one until its parent asks. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    const path = `/proc/${pid}/stat`;
    return !existsSync(path) || !/\) Z /.test(readFileSync(path, 'utf8'));
  } catch {
    return false;
  }
}
