/** Starts what is spoken over HTTP, over scripted tools, on a free port; closes it again. */
import { Access, type AccessOptions } from '../../lib/access/access.ts';
import { KeyBook } from '../../lib/access/key-book.ts';
import { Dispatcher } from '../../lib/dispatch/dispatcher.ts';
import type { HistoryLimits } from '../../lib/dispatch/history/memory-history.ts';
import { HttpHost } from '../../lib/transports/http/http-host.ts';
import type { GatewayPages } from '../../lib/transports/http/pages.ts';
import type { GatewayServer, TlsMaterial } from '../../lib/transports/http/server.ts';
import { NdjsonTransport } from '../../lib/transports/ndjson/ndjson-transport.ts';
import { NewsFeed } from '../../lib/transports/news.ts';
import { StreamWatch } from '../../lib/transports/rendering/stream-watch.ts';
import { newTransportMeter, type TransportMeter } from '../../lib/transports/rendering/transport-meter.ts';
import { RestTransport } from '../../lib/transports/rest/rest-transport.ts';
import { SseTransport } from '../../lib/transports/sse/sse-transport.ts';
import type { TransportLimits } from '../../lib/transports/transport.ts';
import { WebSocketTransport } from '../../lib/transports/websocket/websocket-transport.ts';
import { memoryHistory } from '../support/memory-history.ts';
import { type Script, ScriptedRunner } from './scripted-runner.ts';

export const KEY = { 'X-API-Key': 'super-secret' };
export const JSON_POST = { method: 'POST', headers: { ...KEY, 'Content-Type': 'application/json' } };

type Name = 'http' | 'sse' | 'ndjson' | 'websocket';

export interface Logged {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Started {
  readonly url: string;
  readonly port: number;
  readonly runner: ScriptedRunner;
  readonly dispatcher: Dispatcher;
  readonly http: HttpHost;
  readonly server: GatewayServer;
  readonly meters: Readonly<Record<Name, TransportMeter>>;
  /** What the transports told the operator that went wrong. */
  readonly logged: string[];
  /** All that they told. */
  readonly records: readonly Logged[];
  /** Closes the transports and not the dispatcher. */
  closeTransports(): Promise<void>;
  close(): Promise<void>;
}

export interface StartOptions extends Partial<AccessOptions & TransportLimits & HistoryLimits> {
  /** Calls a second of a key. */
  readonly rateLimit?: number;
  readonly timeoutMs?: number;
  /** The scripts that say that they only read. */
  readonly reading?: readonly string[];
  readonly port?: number;
  readonly pages?: GatewayPages;
  readonly tls?: TlsMaterial;
  readonly maxConnections?: number;
  readonly streamStallMs?: number;
  /** Silence after which an SSE stream gets a comment. */
  readonly heartbeatMs?: number;
  readonly headDelayMs?: number;
  readonly pingMs?: number;
}

export async function startTransports(
  scripts: Readonly<Record<string, Script>>,
  overrides: StartOptions = {},
): Promise<Started> {
  const {
    timeoutMs = 60_000,
    maxConnections = 4096,
    heartbeatMs = 15_000,
    streamStallMs = 30_000,
  } = overrides;
  const runner = new ScriptedRunner(scripts, overrides.reading);
  const { rateLimit = 0, keys = new KeyBook({ apiKeys: ['super-secret', 'second'], rateLimit }) } = overrides;
  const calls = new Dispatcher({
    runners: [runner],
    timeoutMs,
    policy: keys,
    history: memoryHistory(overrides),
  });
  const logged: string[] = [];
  const records: Logged[] = [];
  const log = (level: string, message: string, fields: Logged['fields'] = {}) => {
    records.push({ level, message, fields });
    if (level === 'warning' || level === 'error') logged.push(`${level}: ${message}`);
  };
  const access = new Access({
    keys,
    auth: true,
    host: '127.0.0.1',
    allowedHosts: [],
    corsOrigins: [],
    isSecure: overrides.tls !== undefined,
    ...overrides,
  });
  const limits: TransportLimits = {
    maxBodyBytes: 1024 * 1024,
    maxResultBytes: 8 * 1024 * 1024,
    repeatBytes: 64 * 1024,
    callTimeoutMs: timeoutMs,
    keptMs: 120_000,
    ...overrides,
  };
  const pages = overrides.pages ?? {
    info: () => ({ name: 'under test' }),
    health: () => ({ status: 'ok' }),
    retryAfterMs: () => 1000,
    stats: () => ({}),
  };
  const { tls } = overrides;
  const http = new HttpHost({ calls, access, pages, log, limits, maxConnections, ...(tls && { tls }) });
  const identity = { name: 'gateway-under-test', version: '1.0.0' };
  const watch = new StreamWatch({ heartbeatMs, stallMs: streamStallMs });
  const measureNothing = () => Promise.reject(new Error('nothing is measured here'));
  const figures = { openMetrics: measureNothing, openFigures: measureNothing };
  const news = new NewsFeed();
  const context = {
    calls,
    access,
    identity,
    log,
    watch,
    limits,
    news,
    reloads: false,
    toolSearch: false,
    http,
    ...figures,
  };
  const meters = {
    http: newTransportMeter(),
    sse: newTransportMeter(),
    ndjson: newTransportMeter(),
    websocket: newTransportMeter(),
  };
  const transports = {
    http: new RestTransport('http'),
    sse: new SseTransport('sse', overrides.headDelayMs),
    ndjson: new NdjsonTransport('ndjson', overrides.headDelayMs),
    websocket: new WebSocketTransport('websocket', overrides.pingMs),
  };
  for (const [name, transport] of Object.entries(transports)) {
    transport.open({ ...context, meter: meters[name as Name], options: { socketCalls: 8 } });
  }
  const closeTransports = async () => {
    await Promise.all([...Object.values(transports).map((transport) => transport.close()), http.close()]);
  };
  const { port } = await http.listen('127.0.0.1', overrides.port ?? 0).catch(async (error: unknown) => {
    await closeTransports();
    throw error;
  });
  if (!http.server) throw new Error('the socket is bound, and has no server');
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    runner,
    dispatcher: calls,
    http,
    server: http.server,
    meters,
    logged,
    records,
    closeTransports,
    async close() {
      await calls.drain(0);
      await closeTransports();
    },
  };
}
