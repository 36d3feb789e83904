/** Starts the HTTP transports with /mcp over a real pool, or a runner that is given, on a free port; closes them again. */
import { Access } from '../../../lib/access/access.ts';
import { KeyBook } from '../../../lib/access/key-book.ts';
import { Dispatcher } from '../../../lib/dispatch/dispatcher.ts';
import type { Runner } from '../../../lib/runners/runner.ts';
import type { PoolOptions } from '../../../lib/runners/threads/worker-pool.ts';
import { HttpHost } from '../../../lib/transports/http/http-host.ts';
import { McpEndpoint, type McpEndpointOptions } from '../../../lib/transports/mcp/http/mcp-endpoint.ts';
import { NewsFeed } from '../../../lib/transports/news.ts';
import { StreamWatch } from '../../../lib/transports/rendering/stream-watch.ts';
import { newTransportMeter } from '../../../lib/transports/rendering/transport-meter.ts';
import { memoryHistory } from '../../support/memory-history.ts';
import { startPool } from '../../support/start-pool.ts';

/** Knows how many listen. */
class CountedFeed extends NewsFeed {
  listeners = 0;

  override subscribe(...[listener]: Parameters<NewsFeed['subscribe']>): () => void {
    this.listeners++;
    const end = super.subscribe(listener);
    return () => {
      this.listeners--;
      end();
    };
  }
}

export interface StartedMcp {
  readonly url: string;
  readonly endpoint: McpEndpoint;
  readonly dispatcher: Dispatcher;
  readonly news: CountedFeed;
  close(): Promise<void>;
}

export interface StartMcpOptions extends Partial<McpEndpointOptions> {
  readonly modules?: readonly string[];
  /** In place of a pool with `modules`. */
  readonly runner?: Runner;
  readonly auth?: boolean;
  readonly keys?: KeyBook;
  readonly timeoutMs?: number;
  readonly stallMs?: number;
  readonly pool?: Partial<PoolOptions>;
}

export async function startMcp(options: StartMcpOptions = {}): Promise<StartedMcp> {
  const { modules = ['basic-tools'], auth = true, timeoutMs = 60_000, stallMs = 30_000 } = options;
  // A thread that is killed loses the calls beside the cancelled one: on a busy machine that takes more than a moment.
  const graces = { cancelGraceMs: 15_000 };
  const sizes = { minThreads: 1, maxThreads: 2, callsPerThread: 64, ...graces, ...options.pool };
  const runner = options.runner ?? (await startPool(sizes, [...modules]));
  const news = new CountedFeed();
  runner.listen({ notice: (notice) => news.notice(notice), catalogChanged: () => news.catalogChanged() });
  const keys = options.keys ?? new KeyBook({ apiKeys: ['super-secret', 'second'] });
  const dispatcher = new Dispatcher({ runners: [runner], timeoutMs, policy: keys, history: memoryHistory() });
  const access = new Access({
    keys,
    auth,
    host: '127.0.0.1',
    allowedHosts: [],
    corsOrigins: [],
    isSecure: false,
  });
  const meter = newTransportMeter();
  const watch = new StreamWatch({ heartbeatMs: 15_000, stallMs });
  const limits = {
    maxBodyBytes: 1024 * 1024,
    maxResultBytes: 8 * 1024 * 1024,
    repeatBytes: 64 * 1024,
    callTimeoutMs: timeoutMs,
    keptMs: 120_000,
  };
  const endpoint = new McpEndpoint({
    transport: 'mcp-http',
    keepsCalls: true,
    dispatcher,
    news,
    access,
    watch,
    meter,
    log: (_level, message, fields) => console.error(message, fields),
    identity: { name: 'gateway-under-test', version: '1.0.0' },
    maxResultBytes: limits.maxResultBytes,
    maxBodyBytes: limits.maxBodyBytes,
    legacySse: true,
    ...options,
  });
  const host = new HttpHost({
    calls: dispatcher,
    access,
    pages: {
      info: () => ({}),
      health: () => ({ status: 'ok' }),
      retryAfterMs: () => 1000,
      stats: () => ({}),
    },
    log: options.log ?? (() => {}),
    limits,
    maxConnections: 4096,
  });
  for (const mount of endpoint.mounts) host.mount(mount);
  const { port } = await host.listen('127.0.0.1', 0);
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    endpoint,
    dispatcher,
    news,
    async close() {
      endpoint.close();
      await dispatcher.drain(0);
      await host.close();
      await runner.close();
    },
  };
}
