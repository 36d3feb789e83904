/** From the configuration to threads that have loaded their tools. */
import type { Catalog } from '../../call/catalog.ts';
import type { HandOver, Runner, StartContext } from '../runner.ts';
import { claimDataFolder } from './environment/data-folder.ts';
import { toolEnvironment } from './environment/tool-environment.ts';
import { findToolModules } from './modules/module-paths.ts';
import type { ThreadsConfig } from './options.ts';
import { type PoolOptions, type Share, WorkerPool } from './worker-pool.ts';

/**
 * @returns null where all tools are to run outside of the gateway: none of their code is loaded here then.
 * @throws {ToolError} `unavailable` when a tool module cannot be used, or DATA_DIR is no folder's path.
 */
export async function start(config: ThreadsConfig, context: StartContext): Promise<Runner | null> {
  if (config.isolation === 'process') return null;
  const share = (loaded: Catalog) => ownShare(loaded, context.handOver);
  const options = poolOptions(config, context);
  if (options.settings.toolModules.length === 0 && context.hasOtherTools && !config.reload) return null;
  return WorkerPool.start({ ...options, share, hasOneCaller: context.hasOneCaller });
}

/** What the configuration makes of a pool. @throws {ToolError} as `start` does. */
export function poolOptions(config: ThreadsConfig, context: StartContext): PoolOptions {
  const { builtIns, tools } = config;
  const hasBuiltIns =
    builtIns === 'on' || (builtIns === 'auto' && tools.length === 0 && !context.hasOtherTools);
  const toolModules = [...(hasBuiltIns ? [context.builtInTools] : []), ...findToolModules(tools)];
  const trouble = hasBuiltIns && config.journeysUrl === '' ? claimDataFolder(config.dataDir) : undefined;
  return {
    entry: context.entry,
    settings: {
      toolModules,
      dataDir: config.dataDir,
      ...(hasBuiltIns && config.journeysUrl !== '' ? { journeysUrl: config.journeysUrl } : {}),
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
    ...(trouble === undefined ? {} : { warning: `${trouble}; until then journeys_tool is unavailable` }),
  };
}

/** Definitions that are to run in a process of their own are left to whoever has some. */
function ownShare(loaded: Catalog, handOver: HandOver): Share {
  const part = (isOwn: boolean): Catalog => ({
    tools: loaded.tools.filter((one) => isOwn === (one.isolation !== 'process')),
    resources: loaded.resources.filter((one) => isOwn === (one.isolation !== 'process')),
    prompts: loaded.prompts.filter((one) => isOwn === (one.isolation !== 'process')),
  });
  return { own: part(true), ...handOver.propose(part(false)) };
}
