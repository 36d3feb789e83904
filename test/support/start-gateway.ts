/**
 * A whole gateway on a free port of loopback, with a data folder of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createGateway, type Gateway, type GatewayOptions } from '../../lib/index.ts';
import { noteOpened } from './leak-check.ts';
import { fixture } from './start-pool.ts';

export interface TestGateway {
  readonly url: string;
  readonly port: number;
  readonly gateway: Gateway;
  close(): Promise<void>;
}

/** Key `super-secret`, the built-in and the fixture tools, and a log of errors only, unless `overrides` say otherwise. */
export async function startGateway(overrides: GatewayOptions = {}): Promise<TestGateway> {
  const noteClosed = noteOpened();
  const dataDir = mkdtempSync(join(tmpdir(), 'gateway-test-'));
  const gateway = await createGateway({
    port: 0,
    dataDir,
    logLevel: 'ERROR',
    drainTimeoutMs: 1000,
    cancelGraceMs: 1000,
    builtIns: 'on',
    tools: [fixture('basic-tools'), fixture('faulty-tools')],
    ...overrides,
  });
  const { url, port } = await gateway.listen();
  return {
    url,
    port,
    gateway,
    async close() {
      await gateway.close();
      rmSync(dataDir, { recursive: true, force: true });
      await noteClosed();
    },
  };
}
