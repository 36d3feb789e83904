/** From the configuration to a runner of mounted servers: none where no server is named. */
import { FileWatch } from '../../async/file-watch.ts';
import { type Runner, type StartContext, StartFault } from '../runner.ts';
import { commandEntry, type MountPlan, readConfigFile } from './file/config-file.ts';
import type { MountConfig } from './options.ts';
import { depthOf, MOST_DEPTH } from './stdio/environment.ts';
import { UpstreamRunner } from './upstream-runner.ts';

/** @throws {StartFault} where the file cannot be used. */
export async function start(config: MountConfig, context: StartContext): Promise<Runner | null> {
  const { mcpConfig, mcpCommand } = config;
  if (mcpConfig === null && mcpCommand.length === 0) return null;
  if (depthOf(process.env) >= MOST_DEPTH)
    throw new StartFault([`gateways mount gateways ${MOST_DEPTH} deep: does this one mount itself?`]);
  const read = (): MountPlan => {
    const file = mcpConfig === null ? NOTHING : readConfigFile(mcpConfig, process.env);
    const command = mcpCommand.length === 0 ? NOTHING : commandEntry(mcpCommand, process.cwd());
    const plan = {
      servers: [...file.servers, ...command.servers],
      notices: [...file.notices, ...command.notices],
    };
    context.hide(plan.servers.flatMap(({ secrets }) => secrets));
    return plan;
  };
  const watch = (onChange: () => void): (() => void) => {
    if (!config.reload || mcpConfig === null) return () => undefined;
    const files = new FileWatch([mcpConfig], onChange);
    return () => files.close();
  };
  return new UpstreamRunner({
    read,
    watch,
    dataDir: config.dataDir,
    maxResultBytes: context.maxResultBytes,
    queueLimit: config.queueLimit,
    version: context.version,
  });
}

const NOTHING: MountPlan = { servers: [], notices: [] };
