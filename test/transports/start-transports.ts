/** Starts the HTTP doors over scripted tools, on a free port; closes them again. */
import { Access, type AccessOptions } from '../../lib/access/access.ts';
import { Dispatcher } from '../../lib/dispatch/dispatcher.ts';
import { createHttpTransport, type HttpTransportOptions } from '../../lib/transports/http/http-host.ts';
import { type Script, ScriptedRunner } from './scripted-runner.ts';

export const KEY = { 'X-API-Key': 'super-secret' };
export const JSON_POST = { method: 'POST', headers: { ...KEY, 'Content-Type': 'application/json' } };

export interface Doors {
  readonly url: string;
  readonly port: number;
  readonly runner: ScriptedRunner;
  readonly dispatcher: Dispatcher;
  readonly transport: ReturnType<typeof createHttpTransport>;
  /** What the doors told the operator. */
  readonly logged: string[];
  close(): Promise<void>;
}

export async function startDoors(
  scripts: Readonly<Record<string, Script>>,
  overrides: Partial<HttpTransportOptions & AccessOptions> & {
    readonly timeoutMs?: number;
    readonly port?: number;
  } = {},
): Promise<Doors> {
  const runner = new ScriptedRunner(scripts);
  const dispatcher = new Dispatcher({ runners: [runner], timeoutMs: overrides.timeoutMs ?? 60_000 });
  const logged: string[] = [];
  const access = new Access({
    keys: ['super-secret', 'second'],
    auth: true,
    host: '127.0.0.1',
    allowedHosts: [],
    corsOrigins: [],
    isSecure: overrides.tls !== undefined,
    rateLimit: 0,
    ...overrides,
  });
  const transport = createHttpTransport({
    dispatcher,
    access,
    pages: { info: () => ({ name: 'doors' }), health: () => ({ status: 'ok' }), stats: () => ({}) },
    log: (level, message) => logged.push(`${level}: ${message}`),
    maxBodyBytes: 1024 * 1024,
    maxResultBytes: 8 * 1024 * 1024,
    repeatBytes: 64 * 1024,
    socketCalls: 8,
    maxConnections: 4096,
    streamStallMs: 30_000,
    ...overrides,
  });
  const { port } = await transport.listen('127.0.0.1', overrides.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    runner,
    dispatcher,
    transport,
    logged,
    async close() {
      await dispatcher.drain(0);
      await transport.close();
    },
  };
}
