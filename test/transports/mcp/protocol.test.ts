/** What the protocol and HTTP say of requests that are unusual, and right, or wrong in one thing only. */
import { expect } from 'chai';
import { jsonText } from '../../../lib/transports/mcp/message.ts';
import { type StartedMcp, startMcp } from './start-mcp.ts';
import { exchange, SUPER, WireClient } from './wire-client.ts';

const HELLO = {
  protocolVersion: '2025-11-25',
  capabilities: { elicitation: {} },
  clientInfo: { name: 'test', version: '1' },
};

describe('/mcp, by the letter', () => {
  let mcp: StartedMcp;
  let client: WireClient;
  before(async () => {
    mcp = await startMcp({ modules: ['basic-tools', 'mcp-tools', 'conformance'] });
    client = new WireClient(mcp.url);
    await client.initialize('2025-11-25', { elicitation: {} });
  });
  after(() => mcp.close());

  describe('reads Accept as RFC 9110 has it', () => {
    const ping = (accept: string) => client.call('ping', {}, 1, { accept }).done;
    for (const accept of [
      'Application/JSON, Text/Event-Stream',
      'application/*, text/*',
      '*/*',
      'application/json;q=0.1,text/event-stream;q=0.2',
      'text/html, application/json ; q=1.0 , text/event-stream; charset=utf-8',
      'application/json;q=0, */*, application/json',
    ]) {
      const isGood = !accept.startsWith('application/json;q=0,');
      it(`${isGood ? 'takes' : 'refuses'} ${accept}`, async () => {
        expect((await ping(accept)).status).to.equal(isGood ? 200 : 406);
      });
    }
    for (const accept of [
      '*/*;q=0',
      'application/json, text/event-stream;q=0',
      'application/json;q=0, */*',
      'application/json',
      'text/*',
      'x-application/json, text/event-stream-x',
    ]) {
      it(`refuses ${accept}`, async () => {
        const { status, last } = await ping(accept);
        expect([status, last?.error?.code]).to.deep.equal([406, 1406]);
      });
    }

    it('answers in the form that is liked better', async () => {
      const type = async (accept: string) => (await ping(accept)).headers['content-type'];
      expect(await type('application/json;q=0.5, text/event-stream')).to.equal('text/event-stream');
      expect(await type('Text/Event-Stream, application/json')).to.equal('text/event-stream');
      expect(await type('text/event-stream;q=0.5, application/json')).to.equal('application/json');
    });

    it('on GET too', async () => {
      const status = async (accept: string) => {
        const stream = client.listen({ accept });
        const { statusCode } = await stream.head;
        stream.leave();
        return statusCode;
      };
      expect(await status('TEXT/*')).to.equal(200);
      expect(await status('text/event-stream;q=0, */*')).to.equal(406);
    });
  });

  describe('tells a handshake that is none', () => {
    const wrong: Record<string, object> = {
      'no params': {},
      'no version': { ...HELLO, protocolVersion: undefined },
      'a number as version': { ...HELLO, protocolVersion: 20251125 },
      'no capabilities': { ...HELLO, capabilities: undefined },
      'capabilities of a wrong type': { ...HELLO, capabilities: { sampling: true } },
      'a client without a name': { ...HELLO, clientInfo: { version: '1' } },
      'a list as client': { ...HELLO, clientInfo: [] },
    };
    for (const [what, params] of Object.entries(wrong)) {
      it(`${what}: -32602 under its id, and no session`, async () => {
        const { sessions } = mcp.endpoint.stats();
        const reply = await new WireClient(mcp.url).call('initialize', params, 'mine').done;
        expect([reply.status, reply.last?.id, reply.last?.error?.code]).to.deep.equal([200, 'mine', -32602]);
        expect(reply.headers).not.to.have.property('mcp-session-id');
        expect(mcp.endpoint.stats().sessions).to.equal(sessions);
      });
    }

    it('in a session of its own as well, which goes on', async () => {
      expect((await client.call('initialize', { nothing: true }).done).last?.error?.code).to.equal(-32602);
      expect((await client.call('ping').done).last?.result).to.deep.equal({});
    });
  });

  for (const [version, header] of [
    ['2099-01-01', '2099-01-01'],
    ['2026-07-28', '2026-07-28'],
    ['2026-12-31', undefined],
    ['1.0', '1.0'],
  ]) {
    it(`negotiates ${version} in body and ${header ?? 'no'} header down to what it has`, async () => {
      const headers = header === undefined ? {} : { 'mcp-protocol-version': header };
      const hello = { ...HELLO, protocolVersion: version };
      const reply = await new WireClient(mcp.url).call('initialize', hello, 1, headers).done;
      expect(reply.last?.result).to.include({ protocolVersion: '2025-11-25' });
      expect(reply.headers['mcp-session-id']).to.be.a('string');
    });
  }

  it('says of a session that it does not know -32001, whatever the method', async () => {
    const headers = { 'mcp-session-id': 'b5a0c1f6-0000-0000-0000-000000000000' };
    const stranger = new WireClient(mcp.url);
    for (const asked of [
      stranger.call('tools/list', {}, 1, headers),
      stranger.call('initialize', HELLO, 1, headers),
      stranger.post({ jsonrpc: '2.0', method: 'notifications/initialized' }, headers),
      stranger.listen(headers),
      stranger.end(headers),
    ]) {
      const { status, last } = await asked.done;
      expect([status, last?.error?.code]).to.deep.equal([404, -32001]);
    }
  });

  describe('answers a batch of 2025-03-26', () => {
    let older: WireClient;
    before(async () => {
      older = new WireClient(mcp.url);
      await older.initialize('2025-03-26');
    });

    const bad: [unknown, unknown][] = [
      [5, null],
      [null, null],
      [[], null],
      [{ jsonrpc: '2.0', id: 9 }, 9],
      [{ jsonrpc: '1.0', id: 9, method: 'ping' }, 9],
      [{ jsonrpc: '2.0', id: {}, method: 'ping' }, null],
    ];
    for (const [member, id] of bad) {
      it(`member by member: ${JSON.stringify(member)} spoils no other`, async () => {
        const ping = { jsonrpc: '2.0', id: 1, method: 'ping' };
        const { status, messages } = await older.post([ping, member, { ...ping, id: 2 }]).done;
        expect(status).to.equal(200);
        expect(messages.filter(({ result }) => result).map((one) => one.id)).to.have.members([1, 2]);
        const errors = messages.filter(({ error }) => error);
        expect(errors.map((one) => [one.id, one.error?.code])).to.deep.equal([[id, -32600]]);
      });
    }

    it('where none is good, and where it is empty', async () => {
      const { messages } = await older.post([1, 2]).done;
      expect(messages.map(({ id, error }) => [id, error?.code])).to.deep.equal([
        [null, -32600],
        [null, -32600],
      ]);
      const empty = await older.post([]).done;
      expect([empty.status, empty.last?.error?.code]).to.deep.equal([400, -32600]);
    });
  });

  it('takes null for what is absent, and a list for no arguments', async () => {
    const error = async (method: string, params: unknown) =>
      (await client.post({ jsonrpc: '2.0', id: 1, method, params }).done).last?.error?.code;
    expect(await error('tools/call', { name: 'remember', arguments: null })).to.equal(undefined);
    expect(
      await error('tools/call', { name: 'remember', arguments: null, task: null, _meta: null }),
    ).to.equal(undefined);
    expect(await error('tools/list', null)).to.equal(undefined);
    expect(await error('tools/list', { cursor: null })).to.equal(undefined);
    expect(await error('tasks/list', { cursor: null })).to.equal(undefined);
    expect(await error('prompts/get', { name: 'test_simple_prompt', arguments: null })).to.equal(undefined);
    for (const given of [[], [1], 'text', 5, false]) {
      expect(await error('tools/call', { name: 'remember', arguments: given })).to.equal(-32602);
      expect(await error('prompts/get', { name: 'test_simple_prompt', arguments: given })).to.equal(-32602);
    }
    const stateless = await client.stateless('tools/call', { name: 'remember', arguments: null }).done;
    expect(stateless.last?.result).to.include({ resultType: 'complete' });
  });

  it('tells no lone surrogate back', async () => {
    const raw = async (body: string) => {
      const posted = client.post(body);
      const response = await posted.head;
      const parts: string[] = [];
      response.on('data', (part) => parts.push(part));
      await posted.done;
      return parts.join('');
    };
    const lone = '\\ud83d';
    const texts = [
      await raw(`{"jsonrpc":"2.0","id":"a${lone}","method":"ping"}`),
      await raw(`{"jsonrpc":"2.0","id":"a${lone}","method":"no/${lone}"}`),
      await raw(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x${lone}"}}`),
      await raw(`{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"x:${lone}"}}`),
      await raw(`{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"${lone}"}}`),
      await raw(`{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"${lone}"}}`),
      await raw(
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"report","arguments":{"n":1,"everyMs":1},"_meta":{"progressToken":"t${lone}"}}}`,
      ),
    ];
    for (const text of texts) expect(text).not.to.match(/\\ud[89a-f]/i);
    expect(texts[0]).to.contain('a\\ufffd');
    expect(texts[6]).to.contain('t\\ufffd');
  });

  it('has nothing where clients look for an authorization server, with a key and without', async () => {
    const { origin } = new URL(mcp.url);
    for (const headers of [{}, SUPER]) {
      for (const [method, path] of [
        ['GET', '/.well-known/oauth-protected-resource'],
        ['GET', '/.well-known/oauth-protected-resource/mcp'],
        ['GET', '/.well-known/oauth-authorization-server/mcp'],
        ['GET', '/.well-known/openid-configuration?x=1'],
        ['GET', '/mcp/.well-known/openid-configuration'],
        ['HEAD', '/.well-known/a/b/c'],
        ['POST', '/register'],
        ['GET', '/register'],
      ] as const) {
        const { status } = await exchange(`${origin}${path}`, method, headers).done;
        expect(status, `${method} ${path}`).to.equal(404);
      }
    }
    const foreign = { host: 'evil.example' };
    expect((await exchange(`${origin}/register`, 'POST', foreign).done).status).to.equal(403);
    expect((await exchange(`${origin}/registers`, 'POST', {}).done).status).to.equal(401);
    expect((await exchange(`${origin}/.well-knowns/x`, 'GET', {}).done).status).to.equal(401);
  });

  describe('gives a tool no answer that does not fit its form', () => {
    const ASKED = { name: 'test_input_required_result_elicitation', arguments: {} };
    const misfits: [string, object][] = [
      ['a number for a string', { action: 'accept', content: { name: 5 } }],
      ['nothing of what is required', { action: 'accept', content: {} }],
      ['no content', { action: 'accept' }],
    ];

    for (const [what, answer] of misfits) {
      it(`${what}, stateless era`, async () => {
        const form = { capabilities: { elicitation: {} } };
        const { last: asked } = await client.stateless('tools/call', ASKED, form).done;
        const retry = {
          ...ASKED,
          requestState: asked?.result?.['requestState'],
          inputResponses: { user_name: answer },
        };
        const { last } = await client.stateless('tools/call', retry, form).done;
        expect(last?.result).to.include({ isError: true });
        expect(last?.result?.['content']?.[0]?.['text']).to.contain('does not fit the form');
      });

      it(`${what}, era with sessions`, async () => {
        const running = client.call('tools/call', ASKED, 'asks');
        const question = await running.message(1);
        expect(question.method).to.equal('elicitation/create');
        await client.post({ jsonrpc: '2.0', id: question.id, result: answer }).done;
        const { last } = await running.done;
        expect(last?.result?.['content']?.[0]?.['text']).to.contain('does not fit the form');
      });
    }

    it('but one that declines, or fits', async () => {
      for (const [answer, expected] of [
        [{ action: 'accept', content: { name: 'Ada', more: 1 } }, 'Ada'],
        [{ action: 'decline' }, 'Hello'],
      ] as const) {
        const running = client.call('tools/call', ASKED, 'asks');
        const question = await running.message(1);
        await client.post({ jsonrpc: '2.0', id: question.id, result: answer }).done;
        expect((await running.done).last?.result?.['content']?.[0]?.['text']).to.contain(expected);
      }
    });
  });
});

describe('jsonText()', () => {
  it('replaces lone surrogates, and nothing that only looks like one', () => {
    const round = (value: unknown) => JSON.parse(jsonText(value));
    expect(round('\ud83d\ude00 \ud83d \ude00\ud83d')).to.equal('\u{1f600} \ufffd \ufffd\ufffd');
    expect(round({ '\udc00': ['\udbff'] })).to.deep.equal({ '\ufffd': ['\ufffd'] });
    for (const text of ['\\ud83d', '\\\\ud83d', '"\\ud800', '\u0001\\ud8', '\ud7ff\ue000']) {
      expect(round(text)).to.equal(text);
    }
    expect(round('\\\ud83d')).to.equal('\\\ufffd');
  });
});
