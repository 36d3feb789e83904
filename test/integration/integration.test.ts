/**
 * The integration suite of the architecture document: stdio mode, HTTP endpoints, SSE, WebSocket, worker pool
 * scaling, error handling. It runs against the gateway at GATEWAY_URL (with API_KEY) where that is set, else against
 * one that it starts; on a gateway with data it adds journeys of its own only, and removes them.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { eventually } from '../support/eventually.ts';
import { type GatewayProcess, KEY, startGatewayProcess } from '../support/gateway-process.ts';
import { readEvents } from '../support/sse-events.ts';

const STDIO_BIN = fileURLToPath(new URL('../../bin/stdio.js', import.meta.url));

describe('integration', function () {
  this.timeout(60_000);
  const key = process.env['API_KEY']?.split(',')[0] ?? KEY;
  const tag = `integration-${process.pid}-${Date.now()}`;
  let own: GatewayProcess | undefined;
  let url = process.env['GATEWAY_URL']?.replace(/\/+$/, '') ?? '';

  const headers = { 'X-API-Key': key, 'Content-Type': 'application/json' };
  const post = (path: string, body: unknown, more: RequestInit = {}) =>
    fetch(url + path, {
      method: 'POST',
      headers,
      body: typeof body === 'string' ? body : JSON.stringify(body),
      ...more,
    });
  const journeys = async (action: object) => {
    const response = await post('/tools/journeys_tool', { arguments: action });
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
  const health = async () => JSON.parse(await (await fetch(`${url}/health`)).text());

  before(async () => {
    if (url !== '') return;
    own = await startGatewayProcess();
    url = own.url;
  });

  after(async () => {
    const { body } = await journeys({ action: 'list', tag });
    for (const { id } of body.data) await journeys({ action: 'delete', id });
    if (own) expect(await own.end()).to.equal(0);
  });

  describe('stdio mode', () => {
    it('speaks MCP to a client that starts it as a subprocess', async () => {
      const dataDir = mkdtempSync(join(tmpdir(), 'integration-'));
      const transport = new StdioClientTransport({
        command: process.execPath,
        args: [STDIO_BIN],
        env: { PATH: process.env['PATH'] ?? '', DATA_DIR: dataDir },
        stderr: 'ignore',
      });
      const client = new Client({ name: 'integration', version: '1' });
      try {
        await client.connect(transport);
        const { tools } = await client.listTools();
        expect(tools.map(({ name }) => name)).to.include.members(['journeys_tool', 'primes_tool']);
        const created = await client.callTool({
          name: 'journeys_tool',
          arguments: { action: 'create', name: 'over stdio' },
        });
        expect(created.structuredContent).to.include({ name: 'over stdio', version: 1 });
        const progress: number[] = [];
        const primes = await client.callTool(
          { name: 'primes_tool', arguments: { from: 0, to: 100 } },
          undefined,
          {
            onprogress: (report) => progress.push(report.progress),
          },
        );
        expect(primes.structuredContent).to.include({ count: 25 });
        expect(progress.length).to.be.above(0);
        expect(progress).to.deep.equal([...progress].sort((a, b) => a - b));
      } finally {
        await client.close();
        rmSync(dataDir, { recursive: true, force: true });
      }
    });
  });

  describe('HTTP endpoints', () => {
    it('answer /, /health, /tools and /stats', async () => {
      for (const path of ['/', '/health', '/tools', '/stats']) {
        const response = await fetch(url + path, { headers });
        expect(response.status, path).to.equal(200);
        expect(JSON.parse(await response.text()), path).to.be.an('object');
      }
    });

    it('create, read, change, list and delete a journey', async () => {
      const created = await journeys({ action: 'create', name: 'integration', tags: [tag] });
      expect(created.status).to.equal(200);
      const { id } = created.body.data;
      const changed = await journeys({ action: 'update', id, status: 'active', expectedVersion: 1 });
      expect(changed.body.data).to.deep.include({ id, status: 'active', version: 2 });
      expect((await journeys({ action: 'get', id })).body.data).to.deep.equal(changed.body.data);
      expect((await journeys({ action: 'list', tag })).body.data).to.deep.equal([changed.body.data]);
      expect((await journeys({ action: 'delete', id })).body.data).to.deep.equal({ id, deleted: true });
      expect((await journeys({ action: 'get', id })).status).to.equal(404);
    });
  });

  describe('SSE streaming', () => {
    it('sends progress, chunks in order, one result and done', async () => {
      await journeys({
        action: 'import',
        journeys: Array.from({ length: 20 }, (_, n) => ({ name: `${n}`, tags: [tag] })),
      });
      const response = await post('/tools/journeys_tool/stream', { arguments: { action: 'list', tag } });
      expect(response.headers.get('content-type')).to.match(/^text\/event-stream/);
      const events = [];
      for await (const event of readEvents(response.body)) events.push(event);
      expect(events[0]?.data).to.deep.equal({ progress: 1, total: 3, message: 'Loading data...' });
      const chunks = events.filter(({ event }) => event === 'chunk');
      expect(chunks.map(({ data }) => [data.index, data.data.name])).to.deep.equal(
        Array.from({ length: 20 }, (_, n) => [n, `${n}`]),
      );
      expect(events.slice(-2).map(({ event }) => event)).to.deep.equal(['result', 'done']);
      expect(events.at(-2)?.data.data).to.deep.equal(chunks.map(({ data }) => data.data));
    });
  });

  describe('WebSocket streaming', () => {
    it('runs several calls at once on one socket', async () => {
      const socket = new WebSocket(
        `${url.replace(/^http/, 'ws')}/ws/tools/primes_tool?api_key=${encodeURIComponent(key)}`,
      );
      await once(socket, 'open');
      const ends = new Map<unknown, { chunks: number; count: number }>();
      const done = new Promise<void>((resolve) => {
        socket.on('message', (text) => {
          const message = JSON.parse(String(text));
          if (message.event !== 'complete') return;
          ends.set(message.id, { chunks: message.chunks, count: message.data.count });
          if (ends.size === 3) resolve();
        });
      });
      for (const id of ['a', 'b', 3]) socket.send(JSON.stringify({ id, arguments: { from: 0, to: 49_999 } }));
      await done;
      socket.close();
      await once(socket, 'close');
      expect([...ends.keys()]).to.have.members(['a', 'b', 3]);
      for (const end of ends.values()) expect(end).to.deep.equal({ chunks: 5, count: 5133 });
    });
  });

  describe('worker pool scaling', () => {
    it('adds workers while more calls run than it has, within its limit', async () => {
      const { min, max } = (await health()).workers;
      const controller = new AbortController();
      // One thread is kept for shared tools, and a pool of one cannot grow.
      const wanted = Math.min(min + 1, max - 1);
      const calls = Array.from({ length: Math.max(1, wanted) }, () =>
        post(
          '/tools/primes_tool/stream',
          { arguments: { from: 0, to: 2 ** 32 } },
          { signal: controller.signal },
        ),
      );
      const streams = await Promise.all(calls);
      for (const { status } of streams) expect(status).to.equal(200);
      // The head of a stream may come before its thread has the call.
      const { alive } = await eventually(async () => {
        const { workers } = await health();
        return workers.busy >= wanted && workers;
      });
      controller.abort();
      expect(alive).to.be.within(Math.max(min, wanted), max);
    });
  });

  describe('error handling', () => {
    const cases: [string, string, unknown, number, string][] = [
      ['an unknown tool', '/tools/nobody', {}, 404, 'tool_not_found'],
      ['a body that is no JSON', '/tools/journeys_tool', '{', 400, 'parse_error'],
      ['arguments that are no object', '/tools/journeys_tool', { arguments: [] }, 400, 'invalid_request'],
      [
        'arguments that do not fit',
        '/tools/journeys_tool',
        { arguments: { action: 'fly' } },
        422,
        'invalid_arguments',
      ],
      [
        'a stream of wrong arguments',
        '/tools/journeys_tool/stream',
        { arguments: {} },
        422,
        'invalid_arguments',
      ],
      [
        'a journey that is not there',
        '/tools/journeys_tool',
        { arguments: { action: 'get', id: 'x' } },
        404,
        'not_found',
      ],
    ];
    for (const [what, path, body, status, code] of cases) {
      it(`answers ${what} with ${status} ${code}`, async () => {
        const response = await post(path, body);
        expect(response.headers.get('content-type')).to.match(/^application\/problem\+json/);
        expect(response.status).to.equal(status);
        expect(JSON.parse(await response.text())).to.include({ code, status });
      });
    }

    it('answers a request without a key with 401', async () => {
      const response = await fetch(`${url}/tools`);
      await response.arrayBuffer();
      expect(response.status).to.equal(401);
      expect(response.headers.get('www-authenticate')).to.be.a('string');
    });
  });
});
