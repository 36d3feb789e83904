/** What tools return, yield, report, throw and log, as the transports that are not MCP carry it. */
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { startGateway, type TestGateway } from '../support/start-gateway.ts';
import { fixture } from '../support/start-pool.ts';

const HEADERS = { 'X-API-Key': 'super-secret', 'Content-Type': 'application/json' };

interface Told {
  readonly data: unknown;
  readonly chunks: readonly unknown[];
  readonly messages: readonly string[];
  readonly error: { readonly message?: string; readonly details?: unknown } | undefined;
  /** All that came, as text. */
  readonly raw: string;
}

let served: TestGateway;

const post = (path: string, accept: string, args: object) =>
  fetch(`${served.url}${path}`, {
    method: 'POST',
    headers: { ...HEADERS, Accept: accept },
    body: JSON.stringify({ arguments: args }),
  });

type Envelope = { readonly event: string; readonly [field: string]: unknown };

function toldBy(envelopes: readonly Envelope[], raw: string): Told {
  const of = (event: string) => envelopes.filter((one) => one.event === event);
  return {
    data: (of('complete')[0] ?? of('result')[0])?.['data'],
    chunks: of('chunk').map(({ data }) => data),
    messages: of('progress').map(({ message }) => String(message)),
    error: (of('error')[0]?.['error'] ?? of('error')[0]) as Told['error'],
    raw,
  };
}

/** What never began is answered by a problem, over any format. */
function refused(raw: string): Told {
  const { detail, details } = JSON.parse(raw);
  return { data: undefined, chunks: [], messages: [], error: { message: detail, details }, raw };
}

const TRANSPORTS: Readonly<Record<string, (tool: string, args: object) => Promise<Told>>> = {
  async REST(tool, args) {
    const response = await post(`/tools/${tool}`, 'application/json', args);
    const raw = await response.text();
    if (!response.ok) return refused(raw);
    return { data: JSON.parse(raw).data, chunks: [], messages: [], error: undefined, raw };
  },
  async SSE(tool, args) {
    const response = await post(`/tools/${tool}/stream`, 'text/event-stream', args);
    const raw = await response.text();
    if (!response.ok) return refused(raw);
    const envelopes = [...raw.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, event = '', data = '']) => ({
      event,
      ...JSON.parse(data),
    }));
    return toldBy(envelopes, raw);
  },
  async NDJSON(tool, args) {
    const response = await post(`/tools/${tool}/stream`, 'application/x-ndjson', args);
    const raw = await response.text();
    if (!response.ok) return refused(raw);
    return toldBy(
      raw
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
      raw,
    );
  },
  async WebSocket(tool, args) {
    const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ws/tools/${tool}`, {
      headers: HEADERS,
    });
    const texts: string[] = [];
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject);
      socket.on('open', () => socket.send(JSON.stringify({ id: 1, arguments: args })));
      socket.on('message', (bytes) => {
        texts.push(String(bytes));
        if (JSON.parse(String(bytes)).event === 'complete') resolve();
      });
    });
    socket.close();
    return toldBy(
      texts.map((text) => JSON.parse(text)),
      texts.join('\n'),
    );
  },
};

describe('values outside of MCP', () => {
  before(async () => {
    served = await startGateway({ tools: [fixture('value-tools')], maxResultBytes: 64 * 1024 });
  });
  after(() => served.close());

  for (const [name, callTool] of Object.entries(TRANSPORTS)) {
    describe(`by ${name}`, () => {
      it('are what JSON makes of them', async () => {
        const expected: Readonly<Record<string, unknown>> = {
          date: '1970-01-01T00:00:00.000Z',
          boxed: 'boxed',
          money: '5 EUR',
          toNull: null,
          string: 'line "one"\nline two',
          bytes: { $base64: 'AQID' },
          buffers: { at: { $base64: 'aGk=' }, list: [{ $base64: '/w==' }] },
          lookalike: { content: [{ type: 'text', text: 'hello' }] },
          relayedBytes: { content: [{ type: 'image', data: 'aW1n', mimeType: 'image/png' }] },
        };
        for (const [value, data] of Object.entries(expected)) {
          expect((await callTool('value', { name: value })).data, value).to.deep.equal(data);
          const { data: list } = await callTool('value_chunk', { name: value });
          if (value !== 'relayedBytes') expect(list, value).to.deep.equal([data]);
        }
      });

      it('have no halves of surrogate pairs, wherever they come up', async () => {
        const halves = {
          'a\ufffdb': ['a\ufffdb', '\ufffd', '😀', '\\ud800', '\\\ufffd'],
        };
        const { data, raw } = await callTool('value', { name: 'surrogates' });
        expect(data).to.deep.equal(halves);
        const chunked = await callTool('value_chunk', { name: 'surrogates' });
        expect(chunked.data).to.deep.equal([halves]);
        const failed = await callTool('fail_by_halves', {});
        expect(failed.error).to.deep.include({ message: 'gone: \ufffd', details: { of: '\ufffd' } });
        for (const message of failed.messages) expect(message).to.equal('on \ufffd');
        for (const text of [raw, chunked.raw, failed.raw])
          expect(text.replaceAll('\\\\', '')).not.to.match(/\\ud8/i);
      });

      it('fail where they are no content, and say where', async () => {
        const { error } = await callTool('made', { name: 'number' });
        expect(error?.message).to.contain('content[1].text');
      });

      it('are checked by the schema that the tool declares', async () => {
        expect((await callTool('declared', { name: 'object' })).data).to.deep.equal({ a: 1 });
        expect((await callTool('declared', { name: 'lookalike' })).error?.message).to.contain('does not fit');
        expect((await callTool('made_declared', { name: 'bare' })).error?.message).to.contain(
          'structuredContent',
        );
      });

      it('leave out details of an error that are larger than a result may be', async () => {
        const { error, raw } = await callTool('fail_by_details', { bytes: 100_000 });
        expect(error).to.deep.include({
          message: 'see the details',
          details: { omitted: true, reason: 'the details are larger than 65536 bytes' },
        });
        expect(raw.length).to.be.below(2000);
        const small = await callTool('fail_by_details', { bytes: 10 });
        expect(small.error?.details).to.deep.equal({ text: 'x'.repeat(10), bytes: { $base64: 'AQ==' } });
      });

      it('have the defaults of their schema, and its formats, of either kind', async () => {
        for (const tool of ['raw_rules', 'zod_rules']) {
          expect((await callTool(tool, { mail: 'a@b.cd' })).data, tool).to.deep.equal({
            mail: 'a@b.cd',
            size: 7,
          });
          expect((await callTool(tool, { mail: 'no' })).error?.message, tool).to.match(/do not fit.*mail/);
        }
        expect((await callTool('raw_rules', { pair: ['a', 1], code: 'a-b' })).data).to.include({
          code: 'a-b',
        });
        expect((await callTool('raw_rules', { pair: ['a', 1, 2] })).error?.message).to.contain('pair');
      });
    });
  }
});
