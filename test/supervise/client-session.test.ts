import { expect } from 'chai';
import { ClientSession } from '../../lib/supervise/stdio/client-session.ts';

describe('a client session', () => {
  let toGateway: Record<string, unknown>[];
  let toClient: Record<string, unknown>[];
  let session: ClientSession;
  beforeEach(() => {
    toGateway = [];
    toClient = [];
    session = new ClientSession({
      toGateway: (text) => void toGateway.push(JSON.parse(text)),
      toClient: (text) => void toClient.push(JSON.parse(text)),
    });
    session.served(['safe']);
  });

  const client = (message: object) => session.fromClient(JSON.stringify({ jsonrpc: '2.0', ...message }));
  const gateway = (message: object) => session.fromGateway(JSON.stringify({ jsonrpc: '2.0', ...message }));
  /** The client asks, the gateway agrees. */
  const agree = (method: string, params: object, result: object = {}) => {
    client({ id: method, method, params });
    gateway({ id: method, result });
  };
  const handshake = (protocolVersion = '2025-11-25') => {
    agree('initialize', { protocolVersion }, { protocolVersion });
    client({ method: 'notifications/initialized' });
  };
  /** The gateway dies, and another starts. @returns what that one is told. */
  const restart = (): Record<string, unknown>[] => {
    session.lost();
    toGateway = [];
    session.replay(() => {});
    const [opening] = toGateway;
    if (opening) gateway({ result: {}, id: opening['id'] });
    return toGateway;
  };

  it('replays nothing for a client without a handshake', () => {
    let isDone = false;
    client({ id: 1, method: 'tools/list' });
    session.lost();
    toGateway = [];
    session.replay(() => {
      isDone = true;
    });
    expect({ isDone, toGateway }).to.deep.equal({ isDone: true, toGateway: [] });
  });

  it('replays the handshake, the last log level and what is still subscribed, and swallows the answers', () => {
    handshake();
    agree('logging/setLevel', { level: 'debug' });
    agree('logging/setLevel', { level: 'error' });
    agree('resources/subscribe', { uri: 'a:' });
    agree('resources/subscribe', { uri: 'b:' });
    agree('resources/unsubscribe', { uri: 'a:' });
    for (const _ of [1, 2]) {
      const told = restart();
      expect(told.map(({ method, params }) => [method, params])).to.deep.equal([
        ['initialize', { protocolVersion: '2025-11-25' }],
        ['notifications/initialized', undefined],
        ['logging/setLevel', { level: 'error' }],
        ['resources/subscribe', { uri: 'b:' }],
      ]);
      toClient = [];
      for (const { id } of told.slice(2)) gateway({ id: id as string, result: {} });
      expect(toClient).to.deep.equal([]);
    }
  });

  it('replays nothing that was answered with an error, or not at all', () => {
    handshake();
    client({ id: 1, method: 'logging/setLevel', params: { level: 'nonsense' } });
    gateway({ id: 1, error: { code: -32602, message: 'no' } });
    client({ id: 2, method: 'resources/subscribe', params: { uri: 'a:' } });
    expect(restart().map(({ method }) => method)).to.deep.equal(['initialize', 'notifications/initialized']);
  });

  it('lets nothing follow the replayed handshake before it is answered', () => {
    handshake();
    session.lost();
    toGateway = [];
    let isDone = false;
    session.replay(() => {
      isDone = true;
    });
    expect({ isDone, told: toGateway.length }).to.deep.equal({ isDone: false, told: 1 });
  });

  it('answers what a gateway took with it, each id in its own type, as often as it was used', () => {
    handshake();
    toClient = [];
    for (const id of [1, '1', 2, 2, '\\"', 3, 4])
      client({ id, method: 'tools/call', params: { name: id === 1 ? 'safe' : 'other' } });
    gateway({ id: 3, result: {} });
    gateway({ result: {}, id: 2 }); // the SDK writes members in another order
    client({ method: 'notifications/cancelled', params: { requestId: 4 } });
    toClient = [];
    session.lost();
    session.lost();
    expect(toClient.map(({ id, error }) => [id, (error as { data: object }).data])).to.deep.equal(
      [1, '1', 2, '\\"'].map((id) => [id, { code: 'worker_crashed', status: 502, retryable: id === 1 }]),
    );
  });

  it('drops a cancel of what nobody runs any more', () => {
    client({ id: 1, method: 'ping' });
    session.lost();
    toGateway = [];
    client({ method: 'notifications/cancelled', params: { requestId: 1 } });
    expect(toGateway).to.deep.equal([]);
  });

  it('knows the messages of a batch in the revision that has them, and in no other', () => {
    const batch = [
      { jsonrpc: '2.0', id: 1, method: 'ping' },
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } },
    ];
    for (const [version, passed, answered] of [
      ['2025-03-26', 1, 1],
      ['2025-06-18', 2, 0],
    ] as const) {
      handshake(version);
      toGateway = [];
      session.fromClient(JSON.stringify(batch));
      expect(toGateway[0], version).to.have.length(passed);
      toClient = [];
      session.lost();
      expect(toClient, version).to.have.length(answered);
    }
  });

  it('gives each question an id of its own, and the gateway its own back', () => {
    handshake();
    const ask = () => gateway({ method: 'elicitation/create', params: {}, id: 0 });
    toClient = [];
    ask();
    session.lost();
    ask();
    const [first, takenBack, second] = toClient;
    expect(first?.['id']).to.equal(0);
    expect(takenBack)
      .to.include({ method: 'notifications/cancelled' })
      .and.have.nested.property('params.requestId', 0);
    expect(second?.['id']).to.be.a('string');
    toGateway = [];
    client({ id: 0, result: { late: true } });
    client({ id: second?.['id'], result: { late: false } });
    expect(toGateway).to.deep.equal([{ jsonrpc: '2.0', id: 0, result: { late: false } }]);
    ask();
    gateway({ method: 'notifications/cancelled', params: { requestId: 0 } });
    expect(toClient.at(-1)).to.have.nested.property('params.requestId', toClient.at(-2)?.['id']);
  });

  it('passes on what is no message, for the gateway to refuse', () => {
    const passed: string[] = [];
    const one = new ClientSession({ toGateway: (text) => void passed.push(text), toClient: () => {} });
    const lines = ['garbage', '"a"', '[1]', '{"jsonrpc":"2.0","id":5}', '{"id":1.5,"method":"ping"}'];
    for (const line of lines) one.fromClient(line);
    expect(passed).to.deep.equal(lines);
  });
});
