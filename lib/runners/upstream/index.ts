/** MCP servers that are mounted, as a runner. Its options are in options.ts. */
import type { RunnerKind } from '../runner.ts';
import { type MountConfig, upstreamOptions } from './options.ts';

export const upstream: RunnerKind<typeof upstreamOptions, readonly [], MountConfig> = {
  order: 2,
  options: upstreamOptions,
  rules: [],
  bringsTools: ({ mcpConfig, mcpCommand }) => mcpConfig !== null || mcpCommand.length > 0,
  load: () => import('./start.ts'),
};
