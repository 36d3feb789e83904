/** `healthcheck`: one line and an exit code, for the gateway that runs with the same options. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { freePort } from '../support/gateway-process.ts';
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from '../transports/loopback-certificate.ts';
import { Programs } from './run-program.ts';

describe('mcp-streaming-gateway healthcheck', () => {
  let programs: Programs;
  beforeEach(() => {
    programs = new Programs();
  });
  afterEach(() => programs.stop());

  const check = async (env: Record<string, string>, args: readonly string[] = []) => {
    const { code, stdout, stderr } = await programs.run(['healthcheck', ...args], { env });
    expect((stdout + stderr).trimEnd().split('\n'), stdout + stderr).to.have.length(1);
    return { code, line: stdout || stderr };
  };

  it('exits with 0 where the gateway is ready, as a container runs it, and with 1 once it is gone', async () => {
    const port = String(await freePort());
    const env = {
      HOST: '0.0.0.0',
      PORT: port,
      ALLOWED_HOSTS: 'gw.example',
      API_KEY: 'a-key-of-my-own-0123456789',
    };
    expect((await check(env)).code).to.equal(1);
    const program = programs.start([], { env });
    await program.said(/listens on/);
    const { code, line } = await check(env);
    expect([code, line]).to.deep.equal([
      0,
      `ready: http://127.0.0.1:${port}/health/ready answers 200 {"status":"ok"}\n`,
    ]);
    expect((await check({}, ['--port', port])).code).to.equal(0);
    program.process.kill('SIGTERM');
    await program.ended;
    const gone = await check(env);
    expect(gone.code).to.equal(1);
    expect(gone.line).to.match(/^mcp-streaming-gateway: not ready: .*does not answer \(.*ECONNREFUSED/);
  });

  it('speaks TLS where that is configured', async () => {
    const files = { TLS_CERT: join(programs.folder, 'cert.pem'), TLS_KEY: join(programs.folder, 'key.pem') };
    writeFileSync(files.TLS_CERT, LOOPBACK_CERTIFICATE);
    writeFileSync(files.TLS_KEY, LOOPBACK_KEY);
    const env = { ...files, PORT: String(await freePort()) };
    const program = programs.start([], { env });
    await program.said(/listens on https/);
    const { code, line } = await check(env);
    expect([code, line.startsWith('ready: https://')]).to.deep.equal([0, true]);
    expect((await check({ PORT: env.PORT })).code).to.equal(1);
  });

  it('exits with 1 and the reason for anything else', async () => {
    const other = createServer((_request, response) => {
      response.writeHead(503).end('{"status":"draining"}\u001b[2J\nmore');
    });
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const port = String((other.address() as AddressInfo).port);
    const { code, line } = await check({ PORT: port });
    other.close();
    expect(code).to.equal(1);
    expect(line).to.match(/not ready: .* answers 503 \{"status":"draining"\} \[2J more$/m);
    expect((await check({ PORT: '0' })).line).to.contain('PORT is 0');
    for (const args of [['--port', 'x'], ['--nope']]) {
      const { code: usage, stderr } = await programs.run(['healthcheck', ...args]);
      expect([usage, stderr.split('\n').length]).to.deep.equal([1, 3]);
    }
  });
});
