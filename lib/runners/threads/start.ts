/** From the configuration to threads that have loaded their tools. */
import type { Runner, StartContext } from '../runner.ts';
import { claimDataFolder } from './environment/data-folder.ts';
import { toolEnvironment } from './environment/tool-environment.ts';
import { findToolModules } from './modules/module-paths.ts';
import type { ThreadsConfig } from './options.ts';
import { WorkerPool } from './worker-pool.ts';

/** @throws {ToolError} `unavailable` when a tool module or the data folder cannot be used. */
export async function start(config: ThreadsConfig, context: StartContext): Promise<Runner> {
  const toolModules = [context.builtInTools, ...findToolModules(config.tools)];
  claimDataFolder(config.dataDir);
  return WorkerPool.start({
    entry: context.entry,
    settings: {
      toolModules,
      dataDir: config.dataDir,
      logLevel: context.logLevel,
      maxResultBytes: context.maxResultBytes,
    },
    env: toolEnvironment(config.toolEnv),
    minThreads: config.minWorkers,
    maxThreads: config.maxWorkers,
    callsPerThread: config.callsPerWorker,
    heapMb: config.workerHeapMb,
    memoryLimitBytes: config.memoryLimitBytes,
    queueLimit: config.queueLimit,
    queueWaitMs: config.queueWaitMs,
    cancelGraceMs: config.cancelGraceMs,
    watchesModules: config.reload,
  });
}
