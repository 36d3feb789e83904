/** The key check, its two limits, and the Host and Origin walls, on plain request objects. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Access, type AccessOptions } from '../../lib/access/access.ts';
import { ANONYMOUS, KeyBook, keyIdOf } from '../../lib/access/key-book.ts';
import { ToolError } from '../../lib/call/tool-error.ts';

const accessWith = (overrides: Partial<AccessOptions> = {}): Access =>
  new Access({
    keys: new KeyBook({ apiKeys: ['super-secret', 'second'] }),
    auth: true,
    host: '127.0.0.1',
    allowedHosts: [],
    corsOrigins: [],
    isSecure: false,
    ...overrides,
  });

const request = (headers: Record<string, string>, url = '/', remoteAddress = '10.0.0.1'): IncomingMessage =>
  ({
    headers: { host: 'localhost:8000', ...headers },
    rawHeaders: [],
    url,
    socket: { remoteAddress },
  }) as unknown as IncomingMessage;

/** The code of what `work` throws or rejects with, or `ok`. */
async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'ok';
  } catch (thrown) {
    return ToolError.is(thrown) ? thrown.code : `not a ToolError: ${String(thrown)}`;
  }
}

describe('the API key', () => {
  const places: [string, Record<string, string>, string, boolean][] = [
    ['X-API-Key', { 'x-api-key': 'super-secret' }, '/', false],
    ['Authorization: Bearer', { authorization: 'bearer super-secret' }, '/', false],
    ['the query of a WebSocket', {}, '/ws/tools/x?api_key=super-secret', true],
    [
      'the subprotocol pair of a WebSocket',
      {
        'sec-websocket-protocol': `mcp-gateway.v1, apikey.${Buffer.from('super-secret').toString('base64url')}`,
      },
      '/',
      true,
    ],
  ];
  for (const [place, headers, url, isWebSocket] of places) {
    it(`is taken from ${place}`, async () => {
      const keyId = await accessWith().checkKey(request(headers, url), { isWebSocket });
      expect(keyId).to.equal(keyIdOf('super-secret'));
    });
  }

  it('is counted, where it is wrong, by the address that a trusted proxy tells', async () => {
    const access = accessWith({ trustProxy: ['1'] });
    const guess = (client: string) =>
      codeOf(() => access.checkKey(request({ 'x-api-key': 'no', 'x-forwarded-for': client })));
    for (let n = 0; n < 10; n++) expect(await guess(`1.1.1.${n}, 192.0.2.7`)).to.equal('unauthenticated');
    expect(await guess('192.0.2.7')).to.equal('rate_limited');
    expect(await guess('192.0.2.8')).to.equal('unauthenticated');
  });

  it('may come in a way of a protocol’s own, under the same rules', async () => {
    const access = accessWith();
    expect(await access.identify('second', '10.0.0.1')).to.equal(keyIdOf('second'));
    expect(await codeOf(() => access.identify(undefined, '10.0.0.1'))).to.equal('unauthenticated');
    for (let n = 0; n < 10; n++) await codeOf(() => access.identify('wrong', '10.0.0.1'));
    expect(await codeOf(() => access.identify('wrong', '10.0.0.1'))).to.equal('rate_limited');
    expect(await accessWith({ auth: false }).identify(undefined, undefined)).to.equal(ANONYMOUS);
  });

  it('is not taken from the query of a plain request', async () => {
    const code = await codeOf(() => accessWith().checkKey(request({}, '/tools?api_key=super-secret')));
    expect(code).to.equal('unauthenticated');
  });

  it('has a stable public name that does not contain it and differs between keys', () => {
    expect(keyIdOf('super-secret')).to.match(/^key-[0-9a-f]{8}$/);
    expect(keyIdOf('super-secret')).to.equal(keyIdOf('super-secret'));
    expect(keyIdOf('super-secret')).to.not.equal(keyIdOf('second'));
  });

  it('is not asked for when auth is off', async () => {
    expect(await accessWith({ auth: false }).checkKey(request({}))).to.equal(ANONYMOUS);
  });

  it('is looked at anew on a connection that came with a good one before', async () => {
    const access = accessWith();
    const { socket } = request({});
    const on = (key: string) =>
      access.checkKey({ ...request({ 'x-api-key': key }), socket } as IncomingMessage);
    for (let round = 0; round < 2; round++) {
      expect(await on('super-secret')).to.equal(keyIdOf('super-secret'));
      expect(await on('super-secret')).to.equal(keyIdOf('super-secret'));
      expect(await on('second')).to.equal(keyIdOf('second'));
      for (const wrong of ['secone', 'secon', 'second2', 'SECOND', 'super-secreT'])
        expect(await codeOf(() => on(wrong)), wrong).to.equal('unauthenticated');
    }
  });

  it('opens nothing on a connection that came with it once it was taken away', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keys-'));
    const file = join(folder, 'key');
    writeFileSync(file, 'the-first-of-two-keys');
    const keys = new KeyBook({ apiKeyFile: file });
    try {
      const changed = new Promise((resolve) => keys.onChange(resolve));
      keys.open(() => undefined);
      const access = accessWith({ keys });
      const { socket } = request({});
      const on = (key: string) =>
        codeOf(() => access.checkKey({ ...request({ 'x-api-key': key }), socket } as IncomingMessage));
      expect(await on('the-first-of-two-keys')).to.equal('ok');
      writeFileSync(file, 'the-second-of-two-keys');
      await changed;
      expect(await on('the-first-of-two-keys')).to.equal('unauthenticated');
      expect(await on('the-second-of-two-keys')).to.equal('ok');
    } finally {
      keys.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is refused when wrong, empty, a prefix or longer', async () => {
    for (const key of ['wrong', '', 'super-secre', 'super-secret2', 'SUPER-SECRET']) {
      expect(await codeOf(() => accessWith().checkKey(request({ 'x-api-key': key }))), key).to.equal(
        'unauthenticated',
      );
    }
  });
});

describe('the limit of wrong keys', () => {
  const guess = (access: Access, address: string) =>
    codeOf(() => access.checkKey(request({ 'x-api-key': 'wrong' }, '/', address)));

  it('answers the eleventh wrong key of an address with rate_limited, and no other address', async () => {
    const access = accessWith();
    for (let n = 0; n < 10; n++) expect(await guess(access, '10.0.0.1')).to.equal('unauthenticated');
    expect(await guess(access, '10.0.0.1')).to.equal('rate_limited');
    expect(await guess(access, '10.0.0.2')).to.equal('unauthenticated');
  });

  it('never refuses a good key and does not count a missing one', async () => {
    const access = accessWith();
    for (let n = 0; n < 12; n++) await codeOf(() => access.checkKey(request({})));
    expect(await guess(access, '10.0.0.1')).to.equal('unauthenticated');
    for (let n = 0; n < 12; n++) await guess(access, '10.0.0.1');
    expect(await codeOf(() => access.checkKey(request({ 'x-api-key': 'second' })))).to.equal('ok');
  });

  it('counts the addresses of one IPv6 /64 together', async () => {
    const access = accessWith();
    for (let n = 1; n <= 10; n++) await guess(access, `2001:db8::${n}`);
    expect(await guess(access, '2001:db8:0:0:5::1')).to.equal('rate_limited');
    expect(await guess(access, '2001:db8:0:1::1')).to.equal('unauthenticated');
  });
});

describe('the Host header', () => {
  const hosts = async (access: Access, host: string) => codeOf(() => access.checkOrigin(request({ host })));

  it('may be a loopback name, the configured host or an allowed one, whatever the port', async () => {
    const access = accessWith({ host: 'gateway.lan', allowedHosts: ['Tools.Example', 'other.example:99'] });
    for (const host of [
      'localhost',
      'LOCALHOST:8000',
      'app.localhost:1',
      '127.0.0.1:8000',
      '127.9.9.9',
      '[::1]:8000',
      'gateway.lan',
      'tools.example:443',
      'other.example',
    ]) {
      expect(await hosts(access, host), host).to.equal('ok');
    }
  });

  it('is refused when foreign, malformed or a look-alike', async () => {
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      '10.0.0.1',
      'a b[:',
      '',
      'localhost/x',
      'x@localhost',
      'localhost:99999',
    ]) {
      expect(await hosts(accessWith(), host), host).to.equal('permission_denied');
    }
  });

  it('may be any IP literal, but no other name, when bound to all addresses', async () => {
    const access = accessWith({ host: '0.0.0.0', allowedHosts: ['me.example'] });
    expect(await hosts(access, '192.168.1.7:8000')).to.equal('ok');
    expect(await hosts(access, '[fe80::1]:8000')).to.equal('ok');
    expect(await hosts(access, 'me.example')).to.equal('ok');
    expect(await hosts(access, 'evil.example')).to.equal('permission_denied');
  });
});

describe('the Origin header', () => {
  const origins = (access: Access, origin: string, host = 'localhost:8000') =>
    codeOf(() => access.checkOrigin(request({ origin, host })));

  it('may be the same scheme, host and port', async () => {
    expect(await origins(accessWith(), 'http://localhost:8000')).to.equal('ok');
    expect(await origins(accessWith(), 'http://localhost', 'localhost:80')).to.equal('ok');
    expect(await origins(accessWith({ isSecure: true }), 'https://localhost:8000')).to.equal('ok');
  });

  it('is refused for another scheme, host or port, and for null', async () => {
    for (const origin of [
      'https://localhost:8000',
      'http://localhost:8001',
      'http://evil.example',
      'null',
      'x',
      '',
    ]) {
      expect(await origins(accessWith(), origin), origin).to.equal('permission_denied');
    }
  });

  it('may have the scheme that a trusted proxy was spoken to by, and that alone', async () => {
    const through = (access: Access, origin: string, peer: string) => {
      const headers = { origin, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' };
      return codeOf(() => access.checkOrigin(request(headers, '/', peer)));
    };
    const access = accessWith({ trustProxy: ['10.0.0.0/8'] });
    expect(await through(access, 'https://localhost:8000', '10.0.0.1')).to.equal('ok');
    expect(await through(access, 'http://localhost:8000', '10.0.0.1')).to.equal('permission_denied');
    expect(await through(access, 'https://evil.example', '10.0.0.1')).to.equal('permission_denied');
    expect(await through(access, 'https://localhost:8000', '198.51.100.1')).to.equal('permission_denied');
    expect(await through(accessWith(), 'https://localhost:8000', '10.0.0.1')).to.equal('permission_denied');
  });

  it('may be a listed one, null included, and only a listed one gets CORS headers', async () => {
    const access = accessWith({ corsOrigins: ['https://app.example', 'null'] });
    for (const origin of ['https://app.example', 'null']) {
      expect(await origins(access, origin)).to.equal('ok');
      expect(access.corsOrigin(request({ origin }))).to.equal(origin);
    }
    expect(access.corsOrigin(request({ origin: 'http://localhost:8000' }))).to.equal(undefined);
  });
});
