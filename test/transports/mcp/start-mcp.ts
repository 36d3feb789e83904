/** Starts the HTTP doors with /mcp over a real pool, on a free port; closes them again. */
import { Access } from '../../../lib/access/access.ts';
import { Dispatcher } from '../../../lib/dispatch/dispatcher.ts';
import type { PoolOptions } from '../../../lib/runners/threads/worker-pool.ts';
import { createHttpTransport } from '../../../lib/transports/http/http-host.ts';
import { McpHttp, type McpHttpOptions } from '../../../lib/transports/mcp/http/mcp-endpoint.ts';
import { McpHub } from '../../../lib/transports/mcp/news.ts';
import { StreamWatch } from '../../../lib/transports/rendering/stream-watch.ts';
import { newTransportMeters } from '../../../lib/transports/rendering/transport-meters.ts';
import { startPool } from '../../support/start-pool.ts';

export interface McpDoor {
  readonly url: string;
  readonly door: McpHttp;
  readonly dispatcher: Dispatcher;
  readonly hub: McpHub;
  close(): Promise<void>;
}

export interface McpDoorOptions extends Partial<McpHttpOptions> {
  readonly modules?: readonly string[];
  readonly auth?: boolean;
  readonly timeoutMs?: number;
  readonly stallMs?: number;
  readonly pool?: Partial<PoolOptions>;
}

export async function startMcp(options: McpDoorOptions = {}): Promise<McpDoor> {
  const { modules = ['basic-tools'], auth = true, timeoutMs = 60_000, stallMs = 30_000 } = options;
  const pool = await startPool({ minThreads: 1, maxThreads: 2, callsPerThread: 64, ...options.pool }, [
    ...modules,
  ]);
  const hub = new McpHub();
  pool.listen({ notice: (notice) => hub.notice(notice), catalogChanged: () => hub.catalogChanged() });
  const dispatcher = new Dispatcher({ runners: [pool], timeoutMs });
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
  const door = new McpHttp({
    dispatcher,
    hub,
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
    mounts: door.mounts,
    meters,
    watch,
  });
  const { port } = await transport.listen('127.0.0.1', 0);
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    door,
    dispatcher,
    hub,
    async close() {
      door.close();
      await dispatcher.drain(0);
      await transport.close();
      await pool.close();
    },
  };
}
