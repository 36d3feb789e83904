import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import type { CallRecord } from '../../../lib/index.ts';
import { eventually } from '../../support/eventually.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { fixture } from '../../support/start-pool.ts';

const KEY = { 'X-API-Key': 'super-secret', 'Content-Type': 'application/json' };
const traceOf = (digit: string) => ({
  traceparent: `00-${digit.repeat(32)}-${digit.repeat(16)}-01`,
  tracestate: 'vendor=1',
  baggage: 'user=2',
});
const tools = [fixture('tracing-tools')];

interface Told {
  readonly trace: {
    readonly traceparent: string;
    readonly tracestate?: string;
    readonly baggage?: string;
  } | null;
}

const bodyOf = (tool: string, trace: object) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id: 'r-1',
    method: 'tools/call',
    params: {
      name: tool,
      arguments: {},
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
        'io.modelcontextprotocol/clientCapabilities': {},
        ...trace,
      },
    },
  });

/** The ways to call a tool with a trace, and what the tool was told. */
function callersOf({ url }: TestGateway) {
  return {
    rest: async (tool: string, headers: object): Promise<Told> => {
      const response = await fetch(`${url}/tools/${tool}`, {
        method: 'POST',
        headers: { ...KEY, ...headers },
        body: '{}',
      });
      return ((await response.json()) as { data: Told }).data;
    },
    mcp: async (tool: string, headers: object, meta: object): Promise<Told> => {
      const response = await fetch(`${url}/mcp`, {
        method: 'POST',
        headers: {
          ...KEY,
          Accept: 'application/json, text/event-stream',
          'MCP-Protocol-Version': '2026-07-28',
          'Mcp-Method': 'tools/call',
          'Mcp-Name': tool,
          ...headers,
        },
        body: bodyOf(tool, meta),
      });
      const { result } = (await response.json()) as { result: { structuredContent: Told } };
      return result.structuredContent;
    },
    webSocket: (tool: string, headers: Record<string, string>, message: object): Promise<Told> =>
      new Promise((resolve, reject) => {
        const ws = new WebSocket(`${url.replace('http', 'ws')}/ws/tools/${tool}`, {
          headers: { ...KEY, ...headers },
        });
        ws.on('error', reject);
        ws.on('open', () => ws.send(JSON.stringify({ id: 1, ...message })));
        ws.on('message', (data) => {
          const { event, data: told } = JSON.parse(String(data));
          if (event !== 'complete') return;
          ws.close();
          resolve(told);
        });
      }),
  };
}

describe('the trace of a call without an SDK', () => {
  let gateway: TestGateway;
  let call: ReturnType<typeof callersOf>;
  const records: CallRecord[] = [];
  before(async () => {
    gateway = await startGateway({ tools, minWorkers: 1, maxWorkers: 1, builtIns: 'off' });
    gateway.gateway.observe({ ended: (record) => records.push(record) });
    call = callersOf(gateway);
  });
  after(() => gateway?.close());

  it('reaches the tool as it came, whatever brought it, and the log', async () => {
    expect((await call.rest('on_thread', traceOf('a'))).trace).to.deep.equal(traceOf('a'));
    expect((await call.rest('in_child', traceOf('b'))).trace).to.deep.equal(traceOf('b'));
    expect((await call.mcp('on_thread', traceOf('c'), {})).trace).to.deep.equal(traceOf('c'));
    const own = await call.webSocket('on_thread', traceOf('d'), {});
    expect(own.trace).to.deep.equal(traceOf('d'));
    await eventually(() => records.length === 4);
    expect(records.map(({ trace: seen }) => seen?.traceparent[3])).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('is that of the call’s own message, where that has one', async () => {
    expect((await call.mcp('on_thread', traceOf('a'), traceOf('b'))).trace).to.deep.equal(traceOf('b'));
    expect((await call.webSocket('on_thread', traceOf('a'), { trace: traceOf('b') })).trace).to.deep.equal(
      traceOf('b'),
    );
    const garbage = await call.webSocket('on_thread', {}, { trace: { traceparent: 'x' } });
    expect(garbage.trace).to.equal(null);
    expect((await call.webSocket('on_thread', {}, { trace: 5 })).trace).to.equal(null);
  });
});

describe('spans of calls, by the real SDK', () => {
  const exporter = new InMemorySpanExporter();
  let provider: NodeTracerProvider;
  let gateway: TestGateway;
  let call: ReturnType<typeof callersOf>;
  before(async () => {
    provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    provider.register();
    gateway = await startGateway({ tools, minWorkers: 1, maxWorkers: 1, builtIns: 'off' });
    call = callersOf(gateway);
  });
  afterEach(() => exporter.reset());
  after(async () => {
    await gateway?.close();
    await provider.shutdown();
    for (const api of [trace, propagation, context]) api.disable();
  });

  /** Those of the one call that was made, once they are all written. */
  async function spansOfCall(count = 3): Promise<Record<string, ReadableSpan>> {
    await eventually(() => exporter.getFinishedSpans().length >= count);
    expect(exporter.getFinishedSpans()).to.have.length(count);
    return Object.fromEntries(exporter.getFinishedSpans().map((span) => [span.name, span]));
  }
  const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId;
  const millis = ([s, ns]: readonly [number, number]) => s * 1000 + ns / 1e6;

  it('are a SERVER span with queue and run below it, and the tool is told of run', async () => {
    const { trace: told } = await call.rest('on_thread', traceOf('a'));
    const { execute_tool_on_thread, ...rest } = Object.fromEntries(
      Object.entries(await spansOfCall()).map(([name, span]) => [name.replaceAll(' ', '_'), span]),
    );
    const server = execute_tool_on_thread as ReadableSpan;
    expect(Object.keys(rest).sort()).to.deep.equal(['queue', 'run']);
    const { queue, run } = rest;
    expect([server.kind, server.status.code]).to.deep.equal([SpanKind.SERVER, SpanStatusCode.UNSET]);
    expect(server.parentSpanContext?.spanId).to.equal('a'.repeat(16));
    expect(server.spanContext().traceId).to.equal('a'.repeat(32));
    for (const child of [queue, run]) expect(child?.parentSpanContext?.spanId).to.equal(idOf(server));
    expect(told).to.deep.equal({
      ...traceOf('a'),
      traceparent: `00-${'a'.repeat(32)}-${idOf(run)}-01`,
    });
    expect(server.attributes).to.include({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'on_thread',
      'network.transport': 'tcp',
      'mcp_gateway.transport': 'http',
    });
    expect(millis(queue?.startTime ?? [0, 0])).to.equal(millis(server.startTime));
    expect(millis(queue?.endTime ?? [0, 0])).to.equal(millis(run?.startTime ?? [0, 0]));
    expect(millis(run?.endTime ?? [0, 0])).to.equal(millis(server.endTime));
  });

  it('over MCP are named by its method, belong to _meta, and link the request around', async () => {
    await call.mcp('on_thread', traceOf('a'), traceOf('b'));
    const server = (await spansOfCall())['tools/call on_thread'];
    expect(server?.parentSpanContext?.spanId).to.equal('b'.repeat(16));
    expect(server?.links.map(({ context: { spanId } }) => spanId)).to.deep.equal(['a'.repeat(16)]);
    expect(server?.attributes).to.include({
      'mcp.method.name': 'tools/call',
      'mcp.protocol.version': '2026-07-28',
      'jsonrpc.request.id': 'r-1',
      'gen_ai.tool.name': 'on_thread',
    });
  });

  it('belong to the span that is active where a call is made in code', async () => {
    const tracer = trace.getTracer('test');
    await tracer.startActiveSpan('outer', async (outer) => {
      await gateway.gateway.call('on_thread').outcome();
      outer.end();
    });
    const spans = await spansOfCall(4);
    expect(spans['execute_tool on_thread']?.parentSpanContext?.spanId).to.equal(idOf(spans['outer']));
  });

  it('say how a call has failed, in the words of what it came by', async () => {
    await call.rest('fails', {});
    const { run, 'execute_tool fails': rest } = await spansOfCall();
    expect(rest?.attributes).to.include({ 'error.type': 'conflict' });
    expect(rest?.status).to.deep.equal({ code: SpanStatusCode.ERROR, message: 'it is taken' });
    expect(run?.attributes).to.include({ 'error.type': 'conflict' });
    exporter.reset();
    await call.mcp('fails', {}, {}).catch(() => undefined);
    expect((await spansOfCall())['tools/call fails']?.attributes).to.include({
      'error.type': 'tool_error',
      'mcp_gateway.error.code': 'conflict',
    });
    exporter.reset();
    await gateway.gateway.call('no_such_tool').outcome();
    const refused = (await spansOfCall(1))['execute_tool no_such_tool'];
    expect(refused?.attributes).to.include({ 'error.type': 'tool_not_found' });
  });

  it('have one run of equal calls, in the trace of the one that began it', async () => {
    const { trace: told } = await call.rest('cached', traceOf('a'));
    const { run, 'execute_tool cached': first } = await spansOfCall();
    const { baggage: _, ...kept } = traceOf('a');
    expect(told).to.deep.equal({ ...kept, traceparent: `00-${'a'.repeat(32)}-${idOf(run)}-01` });
    expect(first?.attributes).to.not.have.property('mcp_gateway.answer.shared');
    exporter.reset();
    await call.rest('cached', traceOf('b'));
    const again = (await spansOfCall(1))['execute_tool cached'];
    expect(again?.parentSpanContext?.spanId).to.equal('b'.repeat(16));
    expect(again?.attributes).to.include({ 'mcp_gateway.answer.shared': true });
  });

  it('leave a call that is given up without the status of an error', async () => {
    const given = gateway.gateway.call('on_thread', {}, { signal: AbortSignal.abort() });
    await given.outcome();
    const server = await eventually(() =>
      exporter.getFinishedSpans().find(({ kind }) => kind === SpanKind.SERVER),
    );
    expect(server?.attributes).to.include({ 'error.type': 'cancelled' });
    expect(server?.status.code).to.equal(SpanStatusCode.UNSET);
  });
});
