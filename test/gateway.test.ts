/** What a gateway does in code, beside its doors. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createGateway, type Gateway, type ToolError } from '../lib/index.ts';

describe('Gateway.listen()', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'gateway-test-'));
  let gateway: Gateway;
  afterEach(async () => {
    await gateway.close({ drainMs: 0 });
    rmSync(dataDir, { recursive: true, force: true });
  });

  const refusal = (): Promise<unknown> => gateway.listen().then(String, (error: ToolError) => error.code);

  it('may be called again when the port was taken, but not while it listens or once it is closed', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    gateway = await createGateway({ port, dataDir, minWorkers: 1, logLevel: 'ERROR' });
    expect(await refusal()).to.equal('EADDRINUSE');
    taken.close();
    await once(taken, 'close');
    const { url } = await gateway.listen();
    expect((await fetch(`${url}/health`)).status).to.equal(200);
    expect(await refusal()).to.equal('failed_precondition');
    await gateway.close({ drainMs: 0 });
    expect(await refusal()).to.equal('unavailable');
  });
});
