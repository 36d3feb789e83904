/** What is said of TLS files that cannot be used. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ToolError } from '../../../lib/call/tool-error.ts';
import { readTlsFiles } from '../../../lib/transports/http/tls-files.ts';
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from '../loopback-certificate.ts';

describe('readTlsFiles()', () => {
  let root: string;
  const file = (name: string, text: string) => {
    writeFileSync(join(root, name), text);
    return join(root, name);
  };
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'tls-files-'));
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  it('gives a certificate and its key, and nothing where none is named', () => {
    const tlsCert = file('cert.pem', LOOPBACK_CERTIFICATE);
    const tlsKey = file('key.pem', LOOPBACK_KEY);
    expect(String(readTlsFiles({ tlsCert, tlsKey }).tls?.key)).to.equal(LOOPBACK_KEY);
    expect(readTlsFiles({ tlsCert: null, tlsKey: null })).to.deep.equal({});
  });

  it('names the file that cannot be read', () => {
    const tlsKey = file('key.pem', LOOPBACK_KEY);
    const tlsCert = join(root, 'nowhere.pem');
    expect(() => readTlsFiles({ tlsCert, tlsKey })).to.throw(
      ToolError,
      `TLS_CERT, ${tlsCert}, cannot be read (ENOENT)`,
    );
  });

  it('names both files when they are no certificate and key', () => {
    const junk = file('junk.pem', 'junk');
    expect(() => readTlsFiles({ tlsCert: junk, tlsKey: junk })).to.throw(
      ToolError,
      /TLS_CERT, .*junk\.pem, and TLS_KEY, .*cannot be used .*PEM/,
    );
  });
});
