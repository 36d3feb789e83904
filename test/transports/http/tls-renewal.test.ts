/** A certificate that is renewed while the gateway runs. */
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { readTlsFiles, watchTlsFiles } from '../../../lib/transports/http/tls-files.ts';
import { eventually } from '../../support/eventually.ts';
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY, NEXT_CERTIFICATE, NEXT_KEY } from '../loopback-certificate.ts';
import { KEY, type Started, startTransports } from '../start-transports.ts';

describe('the renewal of a certificate', () => {
  let root: string;
  let started: Started;
  const told: string[] = [];
  let renewals = 0;
  let watch: ReturnType<typeof watchTlsFiles>;

  const write = (name: string, text: string): string => {
    const path = join(root, name);
    writeFileSync(`${path}.next`, text);
    renameSync(`${path}.next`, path);
    return path;
  };

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'tls-'));
    const paths = {
      tlsCert: write('cert.pem', LOOPBACK_CERTIFICATE),
      tlsKey: write('key.pem', LOOPBACK_KEY),
    };
    started = await startTransports({}, readTlsFiles(paths));
    const log = (level: string, message: string) => told.push(`${level}: ${message}`);
    watch = watchTlsFiles(paths, log, (tls) => {
      renewals++;
      started.http.renewTls(tls);
    });
  });
  after(async () => {
    watch?.close();
    await started.close();
    rmSync(root, { recursive: true, force: true });
  });

  /** The fingerprint that a new connection is shown. */
  const shown = async (): Promise<string> => {
    const socket = connect({ port: started.port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };

  it('shows the new one to new connections, and drops none that is open', async () => {
    const first = await shown();
    const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false });
    const get = async (): Promise<TLSSocket> => {
      const asked = request({
        port: started.port,
        host: '127.0.0.1',
        path: '/tools',
        headers: KEY,
        agent,
      }).end();
      const [response] = await once(asked, 'response');
      expect(response.statusCode).to.equal(200);
      response.resume();
      await once(response, 'end');
      return asked.socket as TLSSocket;
    };
    const socket = await get();

    write('cert.pem', NEXT_CERTIFICATE);
    await eventually(() => told.length === 1);
    expect(told[0]).to.match(
      /^error: the changed TLS certificate is not taken, the one before goes on: TLS_CERT, /,
    );
    expect([renewals, await shown()]).to.deep.equal([0, first]);

    write('key.pem', NEXT_KEY);
    await eventually(() => told.length === 2);
    expect(told[1]).to.equal('info: the TLS certificate was read anew');
    expect(await shown()).not.to.equal(first);
    expect(await get(), 'the connection goes on').to.equal(socket);
    agent.destroy();
  });

  it('keeps the one before where the files are gone', async () => {
    const before = await shown();
    rmSync(join(root, 'key.pem'));
    await eventually(() => told.length === 3);
    expect(told[2]).to.include('TLS_KEY, ').and.include('cannot be read (ENOENT)');
    expect(await shown()).to.equal(before);
  });
});
