/** The behaviour that all transports share, over a gateway whose calls a host of a fleet runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGateway, type GatewayOptions } from '../../lib/index.ts';
import { eventually } from '../support/eventually.ts';
import { fixture } from '../support/start-pool.ts';
import { connectGraphqlSse, connectGraphqlWs } from '../transports/graphql/graphql-clients.ts';
import { connectGrpc } from '../transports/grpc/grpc-js-client.ts';
import { connectNdjson, connectSse, connectSync } from '../transports/http-clients.ts';
import { type StartedElsewhere, transportBehaviour } from '../transports/transport-behaviour.ts';
import { connectWebSocket } from '../transports/websocket-client.ts';
import { missingRedis, RedisServer } from './redis-server.ts';

async function start(options: GatewayOptions): Promise<StartedElsewhere | undefined> {
  if (missingRedis() !== undefined) return undefined;
  const redis = await RedisServer.start();
  const dataDir = mkdtempSync(join(tmpdir(), 'fleet-transports-'));
  const shared = { ...options, redisUrl: redis.url, port: 0, dataDir, logLevel: 'ERROR' as const };
  const host = await createGateway({
    ...shared,
    role: 'worker',
    builtIns: 'on',
    tools: [fixture('basic-tools'), fixture('faulty-tools')],
  });
  const gateway = await createGateway({ ...shared, role: 'gateway', drainTimeoutMs: 1000 });
  const { url, port } = await gateway.listen();
  await eventually(() => gateway.tools().length === host.tools().length);
  return {
    url,
    port,
    gateway,
    host,
    async close() {
      await gateway.close();
      await host.close({ drainMs: 0, graceMs: 500 });
      await redis.close();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

transportBehaviour('HTTP, on a fleet', connectSync, { streams: false, start });
transportBehaviour('SSE, on a fleet', connectSse, { start });
transportBehaviour('NDJSON, on a fleet', connectNdjson, { start });
transportBehaviour('WebSocket, on a fleet', connectWebSocket, { start });
transportBehaviour('GraphQL over SSE, on a fleet', connectGraphqlSse, { start, settings: { graphql: true } });
transportBehaviour('GraphQL over WebSocket, on a fleet', connectGraphqlWs, {
  start,
  settings: { graphql: true },
});
transportBehaviour('gRPC, on a fleet', connectGrpc, { start, settings: { grpc: true } });
