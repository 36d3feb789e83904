import type { IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { isTrustProxyEntry, TrustedProxy } from '../../lib/access/trusted-proxy.ts';

const request = (remoteAddress: string, headers: Record<string, string> = {}) =>
  ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage;
const from = (trusted: string[], peer: string, forwarded: string) =>
  new TrustedProxy(trusted).addressOf(request(peer, { 'x-forwarded-for': forwarded }));

describe('TrustedProxy', () => {
  it('believes nobody where none is trusted, nor a peer that is no trusted proxy', () => {
    expect(from(['off'], '10.0.0.1', '192.0.2.7')).to.equal('10.0.0.1');
    expect(from(['10.0.0.0/8'], '198.51.100.1', '192.0.2.7')).to.equal('198.51.100.1');
    const proxy = new TrustedProxy(['10.0.0.0/8']);
    expect(proxy.isSecure(request('198.51.100.1', { 'x-forwarded-proto': 'https' }))).to.equal(undefined);
    expect(proxy.isSecure(request('10.0.0.1'))).to.equal(undefined);
  });

  it('gives the rightmost address that is no trusted proxy’s, whatever stands left of it', () => {
    expect(from(['10.0.0.0/8'], '10.0.0.1', '1.1.1.1, 192.0.2.7, 10.9.9.9')).to.equal('192.0.2.7');
    expect(from(['10.0.0.1'], '::ffff:10.0.0.1', '192.0.2.7')).to.equal('192.0.2.7');
    expect(from(['10.0.0.0/8'], '10.0.0.1', '10.0.0.2')).to.equal('10.0.0.2');
    expect(from(['::1', '2001:db8::/32'], '::1', '2001:db9::7, [2001:db8::2]:443')).to.equal('2001:db9::7');
  });

  it('takes so many proxies to be trusted as a number says', () => {
    expect(from(['1'], '10.0.0.1', '1.1.1.1, 192.0.2.7')).to.equal('192.0.2.7');
    expect(from(['2'], '10.0.0.1', '1.1.1.1, 192.0.2.7, 10.9.9.9:4711')).to.equal('192.0.2.7');
    expect(from(['9'], '10.0.0.1', '192.0.2.7')).to.equal('192.0.2.7');
  });

  it('stops at what is no address', () => {
    expect(from(['2'], '10.0.0.1', '192.0.2.7, unknown')).to.equal('10.0.0.1');
    expect(from(['1'], '10.0.0.1', '')).to.equal('10.0.0.1');
  });

  it('learns the scheme from the proxy next to it', () => {
    const isSecure = (proto: string) =>
      new TrustedProxy(['1']).isSecure(request('10.0.0.1', { 'x-forwarded-proto': proto }));
    expect([isSecure('https'), isSecure('http'), isSecure('http, HTTPS')]).to.deep.equal([true, false, true]);
  });

  it('knows entries from what is none', () => {
    for (const good of ['off', '0', '2', '10.0.0.1', '10.0.0.0/8', '::1', 'fc00::/7']) {
      expect(isTrustProxyEntry(good), good).to.equal(true);
    }
    for (const bad of ['10.0.0.0/33', '10.0.0', '999.1.1.1', 'cafe']) {
      expect(isTrustProxyEntry(bad), bad).to.equal(false);
    }
  });
});
