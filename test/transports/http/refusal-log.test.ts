/** Every refusal is in the log: who, where and why, without a key. */
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { KeyBook } from '../../../lib/access/key-book.ts';
import { RefusalLog } from '../../../lib/transports/http/refusal-log.ts';
import { eventually } from '../../support/eventually.ts';
import { startMcp } from '../mcp/start-mcp.ts';
import { SUPER, WireClient } from '../mcp/wire-client.ts';
import { rawExchange } from '../raw-http.ts';
import { result, type Script } from '../scripted-runner.ts';
import { KEY, type Logged, type Started, startTransports } from '../start-transports.ts';

const echo: Script = async function* () {
  yield { type: 'started' };
  yield result(1);
};

describe('the log of refusals', () => {
  let started: Started;
  beforeEach(async () => {
    started = await startTransports({ echo });
  });
  afterEach(() => started.close());

  const refusals = () => started.records.filter(({ message }) => message.startsWith('refused: '));
  const ids = () =>
    refusals().map(({ level, fields }) => [level, fields['status'], fields['code']].join(' '));

  it('has each refused request with its id, address, route and code, at the level of its kind', async () => {
    const post = { ...KEY, 'content-type': 'application/json' };
    const requests: [expected: string, path: string, init: RequestInit][] = [
      ['info 401 unauthenticated', '/tools', {}],
      ['info 401 unauthenticated', '/tools', { headers: { 'x-api-key': 'a-wrong-key' } }],
      ['info 403 permission_denied', '/', { headers: { origin: 'http://evil.example' } }],
      ['info 404 not_found', '/nothing?api_key=tell-nobody', { headers: KEY }],
      ['info 404 tool_not_found', '/tools/nope', { method: 'POST', headers: post, body: '{}' }],
      ['debug 405 method_not_allowed', '/tools', { method: 'DELETE', headers: KEY }],
      [
        'debug 406 not_acceptable',
        '/tools/echo',
        { method: 'POST', headers: { ...post, accept: 'text/html' }, body: '{}' },
      ],
      [
        'debug 415 unsupported_media_type',
        '/tools/echo',
        { method: 'POST', headers: { ...KEY, 'content-type': 'text/plain' }, body: '{}' },
      ],
      ['debug 400 parse_error', '/tools/echo', { method: 'POST', headers: post, body: '{' }],
      ['debug 426 invalid_request', '/ws/tools/echo', { headers: KEY }],
      ['info 404 call_not_found', '/calls/x', { method: 'DELETE', headers: KEY }],
    ];
    for (const [at, [expected, path, init]] of requests.entries()) {
      const headers = { ...(init.headers as Record<string, string>), 'x-request-id': `request-${at}` };
      await (await fetch(`${started.url}${path}`, { ...init, headers })).text();
      const last = refusals().at(-1);
      expect(ids().at(-1), path).to.equal(expected);
      expect(last?.fields).to.include({
        requestId: `request-${at}`,
        address: '127.0.0.1',
        route: path.split('?')[0],
        method: init.method ?? 'GET',
      });
    }
    expect(refusals()).to.have.length(requests.length);
    expect(JSON.stringify(started.records)).not.to.match(/tell-nobody|a-wrong-key|super-secret/);
  });

  it('has refused handshakes', async () => {
    const open = (path: string, headers: Record<string, string>) =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${started.url.replace('http', 'ws')}${path}`, { headers });
        socket.on('error', resolve);
      });
    await open('/ws/tools/echo', {});
    await open('/ws/tools/echo?api_key=tell-nobody', {});
    await open('/ws/tools/nope', KEY);
    await open('/ws/nothing', KEY);
    await open('/ws/tools/echo', { ...KEY, origin: 'http://evil.example' });
    expect(ids()).to.deep.equal([
      'info 401 unauthenticated',
      'info 401 unauthenticated',
      'info 404 tool_not_found',
      'info 404 not_found',
      'info 403 permission_denied',
    ]);
    expect(
      refusals().every(({ fields }) => fields['address'] === '127.0.0.1' && fields['requestId']),
    ).to.equal(true);
    expect(JSON.stringify(started.records)).not.to.include('tell-nobody');
  });

  it('has what never became a request', async () => {
    await rawExchange(started.port, 'NONSENSE\r\n\r\n');
    await rawExchange(started.port, `GET / HTTP/1.1\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(ids()).to.deep.equal(['debug 400 invalid_request', 'debug 431 invalid_request']);
    expect(refusals()[0]?.fields).to.include({ address: '127.0.0.1', route: '' });
  });

  it('tells too many wrong keys as what they are', async () => {
    for (let n = 0; n < 11; n++)
      await fetch(`${started.url}/tools`, { headers: { 'x-api-key': `wrong-${n}` } });
    expect(ids().at(-1)).to.equal('info 429 rate_limited');
  });

  it('does not repeat what a call’s own record tells', async () => {
    const keys = new KeyBook({ apiKeys: ['super-secret'], rateLimit: 1 });
    const limited = await startTransports({ echo }, { keys });
    const origins: unknown[] = [];
    limited.dispatcher.observe({
      ended: ({ origin }) => origins.push({ requestId: origin?.requestId, address: origin?.address }),
    });
    const call = (path: string, id: string) =>
      fetch(`${limited.url}${path}`, {
        method: 'POST',
        headers: { ...KEY, 'content-type': 'application/json', 'x-request-id': id },
        body: '{}',
      });
    // Again, where more than the second passed between the two that the limit counts.
    await eventually(async () => {
      origins.length = 0;
      const { status } = await call('/tools/echo', 'one');
      return status === 200 && (await call('/tools/echo/stream', 'two')).status === 429;
    });
    expect(origins).to.deep.equal([
      { requestId: 'one', address: '127.0.0.1' },
      { requestId: 'two', address: '127.0.0.1' },
    ]);
    expect(limited.records.filter(({ message }) => message.startsWith('refused'))).to.deep.equal([]);
    await limited.close();
  });

  it('is not filled by a flood: ten lines a second of each code, then one with the number', async () => {
    const lines: Logged[] = [];
    const log = new RefusalLog((level, message, fields = {}) => lines.push({ level, message, fields }));
    const flood = {
      requestId: 'r',
      address: 'a',
      method: 'GET',
      route: `/${'x'.repeat(5000)}`,
      reason: 'no',
    };
    for (let n = 0; n < 500; n++) log.add({ ...flood, code: 'unauthenticated', status: 401 });
    for (let n = 0; n < 3; n++) log.add({ ...flood, code: 'not_found', status: 404 });
    expect(lines).to.have.length(13);
    expect(String(lines[0]?.fields['route'])).to.have.length(200);
    await eventually(() => lines.length === 14);
    expect(lines[13]).to.deep.equal({
      level: 'info',
      message: 'more requests were refused',
      fields: { code: 'unauthenticated', status: 401, untold: 490 },
    });
  });

  it('has the refusals of /mcp, and its calls have the ids of their requests', async () => {
    const records: Logged[] = [];
    const mcp = await startMcp({
      log: (level, message, fields = {}) => records.push({ level, message, fields }),
    });
    const origins: string[] = [];
    mcp.dispatcher.observe({ ended: ({ origin }) => origins.push(String(origin?.requestId)) });
    const client = new WireClient(mcp.url);
    await new WireClient(mcp.url, {}).call('tools/list').done;
    await client.call('tools/list', {}, 1, { 'mcp-session-id': 'no-such-session' }).done;
    await client.stateless('no/method').done;
    await client.post('{').done;
    expect(
      records
        .filter(({ message }) => message.startsWith('refused'))
        .map(({ fields }) => [fields['status'], fields['code']]),
    ).to.deep.equal([
      [401, 'unauthenticated'],
      [404, '-32001'],
      [404, '-32601'],
      [400, 'parse_error'],
    ]);
    await client.initialize();
    await client.call('tools/call', { name: 'echo', arguments: { text: 'a' } }, 1, {
      'x-request-id': 'in-session',
    }).done;
    await new WireClient(mcp.url, SUPER).stateless(
      'tools/call',
      { name: 'echo', arguments: { text: 'a' } },
      { headers: { 'x-request-id': 'stateless' } },
    ).done;
    expect(origins).to.deep.equal(['in-session', 'stateless']);
    await mcp.close();
  });
});
