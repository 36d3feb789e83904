/** Starts the HTTP transports with /mcp over a real pool, or a runner that is given, on a free port; closes them again. */
import { Access } from '../../../lib/access/access.ts';
import { Dispatcher } from '../../../lib/dispatch/dispatcher.ts';
import type { ToolRunner } from '../../../lib/runners/runner.ts';
import type { PoolOptions } from '../../../lib/runners/threads/worker-pool.ts';
import { createHttpTransport } from '../../../lib/transports/http/http-host.ts';
import { McpEndpoint, type McpEndpointOptions } from '../../../lib/transports/mcp/http/mcp-endpoint.ts';
import { NewsFeed } from '../../../lib/transports/mcp/news.ts';
import { StreamWatch } from '../../../lib/transports/rendering/stream-watch.ts';
import { newTransportMeters } from '../../../lib/transports/rendering/transport-meters.ts';
import { startPool } from '../../support/start-pool.ts';

export interface StartedMcp {
  readonly url: string;
  readonly endpoint: McpEndpoint;
  readonly dispatcher: Dispatcher;
  readonly news: NewsFeed;
  close(): Promise<void>;
}

export interface StartMcpOptions extends Partial<McpEndpointOptions> {
  readonly modules?: readonly string[];
  /** In place of a pool with `modules`. */
  readonly runner?: ToolRunner;
  readonly auth?: boolean;
  readonly timeoutMs?: number;
  readonly stallMs?: number;
  readonly pool?: Partial<PoolOptions>;
}

export async function startMcp(options: StartMcpOptions = {}): Promise<StartedMcp> {
  const { modules = ['basic-tools'], auth = true, timeoutMs = 60_000, stallMs = 30_000 } = options;
  const sizes = { minThreads: 1, maxThreads: 2, callsPerThread: 64, ...options.pool };
  const runner = options.runner ?? (await startPool(sizes, [...modules]));
  const news = new NewsFeed();
  runner.listen({ notice: (notice) => news.notice(notice), catalogChanged: () => news.catalogChanged() });
  const dispatcher = new Dispatcher({ runner, timeoutMs });
  const access = new Access({
    keys: ['super-secret', 'second'],
    auth,
    host: '127.0.0.1',
    allowedHosts: [],
    corsOrigins: [],
    isSecure: false,
    rateLimit: 0,
  });
  const meters = newTransportMeters();
  const watch = new StreamWatch({ heartbeatMs: 15_000, stallMs });
  const endpoint = new McpEndpoint({
    dispatcher,
    news,
    access,
    watch,
    meter: meters['mcp-http'],
    log: (_level, message, fields) => console.error(message, fields),
    identity: { name: 'gateway-under-test', version: '1.0.0' },
    maxResultBytes: 8 * 1024 * 1024,
    maxBodyBytes: 1024 * 1024,
    ...options,
  });
  const transport = createHttpTransport({
    dispatcher,
    access,
    pages: { info: () => ({}), health: () => ({ status: 'ok' }), stats: () => ({}) },
    log: () => {},
    maxBodyBytes: 1024 * 1024,
    maxResultBytes: 8 * 1024 * 1024,
    repeatBytes: 64 * 1024,
    socketCalls: 8,
    maxConnections: 4096,
    streamStallMs: stallMs,
    mounts: endpoint.mounts,
    meters,
    watch,
  });
  const { port } = await transport.listen('127.0.0.1', 0);
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    endpoint,
    dispatcher,
    news,
    async close() {
      endpoint.close();
      await dispatcher.drain(0);
      await transport.close();
      await runner.close();
    },
  };
}
