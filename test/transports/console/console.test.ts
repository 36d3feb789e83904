/** `GET /console/` as it is served: the page's files, their headers, and the ways to it. */
import { readdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';

const ASSETS = new URL('../../../lib/transports/console/assets/', import.meta.url);
const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

describe('the console, over HTTP', () => {
  let served: TestGateway;
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(served.url + path, { redirect: 'manual', ...init });

  before(async () => {
    served = await startGateway();
  });
  after(() => served.close());

  it('is where a browser goes that asks for /, and told to who asks for JSON', async () => {
    const sent = await ask('/', { headers: { Accept: BROWSER } });
    expect([sent.status, sent.headers.get('location'), sent.headers.get('vary')]).to.deep.equal([
      303,
      '/console/',
      'Accept',
    ]);
    for (const Accept of ['*/*', 'application/json', 'text/html;q=0.5,*/*', 'application/json,text/html']) {
      const told = await ask('/', { headers: { Accept } });
      expect(told.status, Accept).to.equal(200);
      const { console: page, endpoints } = (await told.json()) as {
        console: string;
        endpoints: { path: string }[];
      };
      expect(page).to.equal('/console/');
      expect(endpoints.map(({ path }) => path)).to.include.members(['/console/', '/stats/stream']);
    }
    const moved = await ask('/console');
    expect([moved.status, moved.headers.get('location')]).to.deep.equal([308, '/console/']);
  });

  it('needs no key, loads nothing from elsewhere, and runs no script but its own', async () => {
    const page = await ask('/console/');
    expect([page.status, page.headers.get('content-type')]).to.deep.equal([200, 'text/html; charset=utf-8']);
    const policy = page.headers.get('content-security-policy') ?? '';
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ])
      expect(policy).to.include(part);
    expect(policy).to.not.include('unsafe');
    const text = await page.text();
    expect(text).to.not.match(/<script(?![^>]*\ssrc=)|<style|\sstyle=|https?:\/\/(?!www\.w3\.org)/);
    const etag = page.headers.get('etag') ?? '';
    expect((await ask('/console/', { headers: { 'If-None-Match': etag } })).status).to.equal(304);
  });

  it('weighs less than 60 KB in gzip, each file named by its hash and kept for ever', async () => {
    let bytes = 0;
    for (const name of readdirSync(ASSETS)) {
      const file = await ask(`/console/${name === 'index.html' ? '' : name}`);
      expect(file.status, name).to.equal(200);
      if (name !== 'index.html') expect(file.headers.get('cache-control'), name).to.match(/immutable/);
      bytes += gzipSync(Buffer.from(await file.arrayBuffer())).length;
    }
    expect(bytes).to.be.within(10_000, 60_000);
  });

  it('serves its own files and nothing else', async () => {
    for (const path of ['/console/nothing.js', '/console/..%2f..%2fpackage.json', '/console/index.html/x'])
      expect((await ask(path)).status, path).to.equal(404);
    const posted = await ask('/console/', { method: 'POST' });
    expect([posted.status, posted.headers.get('allow')]).to.deep.equal([405, 'GET, HEAD']);
    expect((await ask('/console/', { headers: { Origin: 'https://evil.example' } })).status).to.equal(403);
  });

  it('is gone with CONSOLE=off', async () => {
    const without = await startGateway({ console: false });
    try {
      const page = await fetch(`${without.url}/console/`, { headers: { 'X-API-Key': 'super-secret' } });
      expect(page.status).to.equal(404);
      const root = await fetch(without.url, { headers: { Accept: BROWSER } });
      expect(await root.json()).to.not.have.property('console');
    } finally {
      await without.close();
    }
  });
});
