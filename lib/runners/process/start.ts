/** From the configuration to a runner of child processes: dormant while no tool is to run in one. */
import type { Runner, StartContext } from '../runner.ts';
import type { ThreadsConfig } from '../threads/options.ts';
import { poolOptions } from '../threads/start.ts';
import { ProcessRunner } from './process-runner.ts';

/**
 * How long a child may be idle where none is kept ready. Starting one takes some 250 ms and keeping one 75 MiB: what is
 * called once a minute should find it there.
 */
const IDLE_MS = 60_000;

/** @throws {ToolError} `unavailable` when all tools are to run there, and cannot be loaded. */
export async function start(config: ThreadsConfig, context: StartContext): Promise<Runner> {
  const options = poolOptions(config, context);
  if (config.isolation === 'process') return ProcessRunner.ofAll(options);
  const runner = ProcessRunner.ofSome({ ...options, minThreads: 0, idleMs: IDLE_MS, watchesModules: false });
  context.handOver.take((catalog) => runner.propose(catalog));
  return runner;
}
