/** MCP servers that are mounted, as a runner. Its options are in options.ts. */
import type { RunnerKind } from '../runner.ts';
import { type UpstreamConfig, upstreamOptions } from './options.ts';

/** What it needs to know of the rest of the configuration. */
export interface MountConfig extends UpstreamConfig {
  readonly dataDir: string;
  readonly reload: boolean;
  readonly queueLimit: number;
}

export const upstream: RunnerKind<typeof upstreamOptions, readonly [], MountConfig> = {
  order: 2,
  options: upstreamOptions,
  rules: [],
  bringsTools: ({ mcpConfig, mcpCommand }) => mcpConfig !== null || mcpCommand.length > 0,
  load: () => import('./start.ts'),
};
