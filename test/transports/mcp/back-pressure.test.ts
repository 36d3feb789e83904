import { request } from 'node:http';
import { expect } from 'chai';
import { type StartedMcp, startMcp } from './start-mcp.ts';
import { SUPER, WireClient } from './wire-client.ts';

/** Posts a call and never reads a byte of its answer. */
function pausedCall(url: string, body: object, headers: Record<string, string>) {
  const outgoing = request(url, {
    method: 'POST',
    agent: false,
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...SUPER,
      ...headers,
    },
  });
  outgoing.on('response', (response) => {
    response.pause();
    response.socket.pause();
    response.on('error', () => {});
  });
  outgoing.on('error', () => {});
  outgoing.end(JSON.stringify(body));
  return outgoing;
}

const flood = (meta: object) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'wide_stream', arguments: { n: 100_000, size: 4096 }, _meta: meta },
});

describe('the back-pressure of /mcp', () => {
  let mcp: StartedMcp;
  before(async () => {
    mcp = await startMcp({ modules: ['basic-tools', 'mcp-tools'], stallMs: 1500 });
  });
  after(() => mcp.close());

  for (const era of ['with sessions', 'stateless']) {
    it(`holds the tool of a reader that pauses, and cuts it off in the end (${era})`, async () => {
      const client = new WireClient(mcp.url);
      if (era === 'with sessions') await client.initialize();
      const envelope = {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientCapabilities': {},
      };
      const ends: string[] = [];
      mcp.dispatcher.observe({
        ended: ({ end, name }) =>
          name === 'wide_stream' && ends.push(end.type === 'error' ? end.error.code : end.type),
      });
      const before = process.memoryUsage().rss;
      const outgoing =
        era === 'stateless'
          ? pausedCall(mcp.url, flood({ progressToken: 1, ...envelope }), {
              'mcp-protocol-version': '2026-07-28',
              'mcp-method': 'tools/call',
              'mcp-name': 'wide_stream',
            })
          : pausedCall(mcp.url, flood({ progressToken: 1 }), { 'mcp-session-id': client.sessionId });
      let peak = 0;
      while (ends.length === 0) {
        peak = Math.max(peak, process.memoryUsage().rss - before);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      expect(ends).to.deep.equal(['slow_consumer']);
      expect(peak).to.be.lessThan(100 * 1024 * 1024); // of 400
      outgoing.destroy();
      if (era === 'with sessions') await client.end().done;
    });
  }
});
