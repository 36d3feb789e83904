/** Two gateways and a host on a Redis of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createGateway, type Gateway, type GatewayOptions } from '../../lib/index.ts';
import { eventually } from '../support/eventually.ts';
import { RedisServer } from './redis-server.ts';

/** What its hosts have. */
export const HOSTED = ['fleet-tools', 'mcp-tools'].map((name) =>
  fileURLToPath(new URL(`./tools/${name}.js`, import.meta.url)),
);
export const KEYS = ['super-secret', 'second'];

export class SmallFleet {
  readonly redis: RedisServer;
  readonly gateways: Gateway[] = [];
  /** Addresses of the two gateways. */
  urls: [string, string] = ['', ''];
  readonly #folder = mkdtempSync(join(tmpdir(), 'small-fleet-'));
  #files = 0;

  private constructor(redis: RedisServer) {
    this.redis = redis;
  }

  static async start(options: GatewayOptions = {}): Promise<SmallFleet> {
    const fleet = new SmallFleet(await RedisServer.start());
    const host = await fleet.member({ role: 'worker', tools: HOSTED, ...options });
    const one = await fleet.member({ role: 'gateway', tools: [], ...options });
    const other = await fleet.member({ role: 'gateway', tools: [], ...options });
    fleet.urls = [(await one.listen()).url, (await other.listen()).url];
    const count = host.tools().length;
    await eventually(() => one.tools().length === count && other.tools().length === count);
    return fleet;
  }

  /** The path of a file that is not there yet: for tools that go on until it is. */
  newFile(): string {
    return join(this.#folder, `file-${++this.#files}`);
  }

  async member(options: GatewayOptions): Promise<Gateway> {
    const gateway = await createGateway({
      redisUrl: this.redis.url,
      minWorkers: 1,
      maxWorkers: 3,
      logLevel: 'ERROR',
      apiKeys: KEYS,
      port: 0,
      // Longer than this process may be kept from its work: none of its members is taken for lost.
      leaseMs: 20_000,
      drainTimeoutMs: 500,
      dataDir: this.#folder,
      ...options,
    });
    this.gateways.push(gateway);
    return gateway;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.gateways.map((gateway) => gateway.close({ drainMs: 0, graceMs: 100 })));
    await this.redis.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
