/** A gateway behind a gateway, over every way there is to reach one: it streams end to end. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ToolEvent } from '../../../lib/call/call-events.ts';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';

const folder = mkdtempSync(join(tmpdir(), 'chained-'));
const file = join(folder, 'mcp.json');

describe('chained gateways', () => {
  let inner: TestGateway;
  let outer: TestGateway;
  let redirecting: Server;
  let plain: Server;
  const flooding = { written: 0, isLeft: false };
  before(async () => {
    inner = await startGateway();
    redirecting = createServer((_request, response) => {
      response.writeHead(307, { Location: `${inner.url}/mcp` }).end();
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => redirecting.once('listening', resolve));
    plain = plainServer(flooding).listen(0, '127.0.0.1');
    await new Promise((resolve) => plain.once('listening', resolve));
    const headers = { 'X-API-Key': `\${INNER_KEY}` };
    process.env['INNER_KEY'] = 'super-secret';
    writeFileSync(
      file,
      `{
        // what Claude Code writes, and what VS Code does
        "mcpServers": {
          "streamable": { "type": "http", "url": "${inner.url}/mcp", "headers": ${JSON.stringify(headers)} },
          "events": { "type": "sse", "url": "${inner.url}/sse", "headers": ${JSON.stringify(headers)} },
          "plain": { "url": "http://127.0.0.1:${(plain.address() as AddressInfo).port}/mcp" },
          "locked": { "url": "${inner.url}/mcp" },
          "redirected": { "url": "http://127.0.0.1:${(redirecting.address() as AddressInfo).port}/" },
        },
      }`,
      { mode: 0o600 },
    );
    outer = await startGateway({ mcpConfig: file, builtIns: 'off', tools: [] });
    await outer.gateway.settled();
  });
  after(async () => {
    await outer?.close();
    redirecting.close();
    plain.close();
    await inner.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const read = async (name: string, args: object): Promise<ToolEvent[]> => {
    const events: ToolEvent[] = [];
    for await (const event of outer.gateway.call(name, { ...args })) events.push(event);
    return events;
  };

  for (const server of ['streamable', 'events']) {
    it(`stream chunks end to end (${server})`, async () => {
      const events = await read(`${server}__count`, { n: 50 });
      const chunks = events.flatMap((event) => (event.type === 'chunks' ? event.items : []));
      expect(chunks).to.deep.equal(Array.from({ length: 50 }, (_, i) => `{"i":${i}}`));
      expect(events.at(-1)).to.include({ type: 'result', chunks: 50, repeats: true });
      expect(events.at(-1)).to.have.property('data', `[${chunks.join(',')}]`);
      expect(events.filter(({ type }) => type === 'progress')).to.deep.equal([]);
    });

    it(`cancel the tool at the other end (${server})`, async () => {
      const call = outer.gateway.call(`${server}__wait`, { ms: 60_000 });
      for await (const event of call) if (event.type === 'started') break;
      await eventually(() => inner.gateway.stats()['calls'] !== 1, { what: 'the end of the call' });
      const end = await new Promise((resolve) => call.onEnd(resolve));
      expect(end).to.have.nested.property('error.code', 'cancelled');
      await eventually(() => (inner.gateway.stats().tools['wait']?.inFlight ?? 0) === 0);
    });
  }

  it('do not read a response whose reader is behind, and let go of it when that leaves', async () => {
    const call = outer.gateway.call('plain__flood');
    const reader = call[Symbol.asyncIterator]();
    for (let step = await reader.next(); step.value?.type !== 'chunks'; step = await reader.next());
    let before = -1;
    await eventually(async () => {
      const isHeld = flooding.written > 0 && flooding.written === before;
      before = flooding.written;
      await new Promise((resolve) => setTimeout(resolve, 50));
      return isHeld;
    });
    const held = flooding.written;
    const other = await outer.gateway.call('plain__echo').outcome();
    expect(other).to.have.property('data', '"not held"');
    for (let events = 0; events < 200; events++) await reader.next();
    await eventually(() => flooding.written > held, { what: 'a server that goes on' });
    await reader.return?.();
    await eventually(() => flooding.isLeft, { what: 'a server that is left' });
  });

  it('tell why a server cannot be had, and never follow it elsewhere', () => {
    const { upstreams } = outer.gateway.stats() as unknown as {
      upstreams: Record<string, { reason: string }>;
    };
    expect(upstreams['locked']?.reason).to.contain('API key');
    expect(upstreams['redirected']?.reason).to.contain('redirects are not followed');
    expect(JSON.stringify(outer.gateway.stats())).not.to.contain('super-secret');
  });

  it('begin a new session where the other end has forgotten it, and run the call', async () => {
    const { url, port } = inner;
    await inner.close();
    inner = await startGateway({ port });
    expect(inner.url).to.equal(url);
    let end = await outer.gateway.call('streamable__count', { n: 2 }).outcome();
    // It may have been missed meanwhile, and is tried again soon then; no call is lost otherwise.
    while (end.type === 'error' && end.error.code === 'unavailable') {
      await new Promise((resolve) => setTimeout(resolve, 100));
      end = await outer.gateway.call('streamable__count', { n: 2 }).outcome();
    }
    expect(end, JSON.stringify(end)).to.have.property('type', 'result');
  });
});

/** A server of Streamable HTTP without sessions. Its flood writes as fast as it is read. */
function plainServer(flooding: { written: number; isLeft: boolean }): Server {
  const results: Readonly<Record<string, unknown>> = {
    initialize: {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'plain', version: '1' },
    },
    'tools/list': { tools: [{ name: 'flood' }, { name: 'echo' }] },
  };
  return createServer(async (request, response) => {
    if (request.method !== 'POST') return response.writeHead(405).end();
    let body = '';
    for await (const part of request) body += part;
    const { id, method, params } = JSON.parse(body);
    if (id === undefined) return response.writeHead(202).end();
    const answer = (result: unknown) =>
      response
        .writeHead(200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ jsonrpc: '2.0', id, result }));
    if (method !== 'tools/call') return answer(results[method]);
    if (params.name === 'echo') return answer({ content: [{ type: 'text', text: 'not held' }] });
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.once('close', () => {
      flooding.isLeft = true;
      response.emit('drain');
    });
    const pad = 'x'.repeat(50_000);
    while (!response.destroyed) {
      const index = flooding.written++;
      const progress = {
        progressToken: params._meta.progressToken,
        progress: index,
        _meta: { 'io.github.mcp-streaming-gateway/chunk': { index, items: [{ index, pad }] } },
      };
      const text = JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params: progress });
      if (!response.write(`event: message\ndata: ${text}\n\n`))
        await new Promise((resolve) => {
          response.once('drain', resolve);
          if (response.destroyed) resolve(undefined);
        });
      await new Promise(setImmediate);
    }
    return response;
  });
}
