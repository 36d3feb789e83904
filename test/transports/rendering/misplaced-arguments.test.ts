/** Arguments that stand beside `arguments`: refused with a hint over HTTP and WebSocket, and nothing else is. */
import { once } from 'node:events';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { BODY_FIELDS, readCallInput } from '../../../lib/transports/rendering/call-input.ts';
import { startGateway, type TestGateway } from '../../support/start-gateway.ts';
import { JSON_POST } from '../start-transports.ts';

const REFUSED = /there is no "arguments"/;

describe('a call without arguments', () => {
  const read = (body: object, schema: object) => readCallInput(body, { type: 'object', ...schema });

  it('is refused where members of its own stand beside them, whichever way the schema declares those', () => {
    const names = { properties: { action: {}, to: {} } };
    for (const schema of [
      names,
      { allOf: [names] },
      { anyOf: [{ properties: { x: {} } }, names] },
      { oneOf: [names] },
      Object.fromEntries([
        ['if', {}],
        ['then', names],
      ]),
      { $ref: '#/$defs/input', $defs: { input: names } },
      { allOf: [{ $ref: '#/$defs/a~1b' }], $defs: { 'a/b': { anyOf: [names, { $ref: '#/$defs/a~1b' }] } } },
    ]) {
      expect(() => read({ action: 'list' }, schema), JSON.stringify(schema)).to.throw(REFUSED);
    }
    expect(() => read({ action: 'list', to: 1, result: 'none', other: 1 }, names)).to.throw(
      'there is no "arguments", and the tool\'s own "action", "to" stand beside it; put them inside: ' +
        '{"arguments": {"action": …}}',
    );
  });

  it('is taken with whatever else stands there, and with arguments whatever stands beside them', () => {
    const schema = { properties: { action: {}, timeoutMs: {}, result: {} } };
    for (const body of [
      {},
      { unknown: 1, toString: 1, constructor: 2 },
      { timeoutMs: 5, result: 'none' },
      { arguments: {}, action: 'list' },
      { arguments: { action: 'list' }, action: 'other' },
    ]) {
      expect(() => read(body, schema), JSON.stringify(body)).not.to.throw();
    }
    expect(() => read({ action: 1 }, {})).not.to.throw();
    expect(() => read({ action: 1 }, { additionalProperties: true })).not.to.throw();
    expect(() => read({ action: 1 }, { $ref: '#/$defs/none' })).not.to.throw();
    expect(() =>
      read({ action: 1 }, { $ref: 'https://elsewhere.example/x', allOf: 3, properties: null }),
    ).not.to.throw();
    expect([...BODY_FIELDS]).to.include.members(['arguments', 'timeoutMs', 'result', 'detach']);
  });

  describe('over the wire', () => {
    let started: TestGateway;
    before(async () => {
      started = await startGateway();
    });
    after(() => started.close());

    it('is 400 with the hint on both routes, and no call', async () => {
      for (const path of ['/tools/echo', '/tools/echo/stream']) {
        const response = await fetch(started.url + path, { ...JSON_POST, body: '{"text":"hello"}' });
        const problem = (await response.json()) as { code: string; detail: string; callId?: string };
        expect(response.status, path).to.equal(400);
        expect(problem.code).to.equal('invalid_request');
        expect(problem.detail).to.contain('{"arguments": {"text": …}}');
        expect(problem).not.to.have.property('callId');
      }
      const other = await fetch(`${started.url}/tools/echo`, { ...JSON_POST, body: '{"txet":"hello"}' });
      expect(other.status).to.equal(422);
    });

    it('is refused on a WebSocket with error and complete', async () => {
      const socket = new WebSocket(`${started.url.replace('http', 'ws')}/ws/tools/echo?api_key=super-secret`);
      await once(socket, 'open');
      const received: { event: string; id: unknown; [member: string]: unknown }[] = [];
      socket.on('message', (data) => received.push(JSON.parse(String(data))));
      const next = async (count: number) => {
        while (received.length < count) await once(socket, 'message');
      };
      socket.send('{"id":7,"text":"hello"}');
      await next(2);
      expect(received.map(({ event, id }) => [event, id])).to.deep.equal([
        ['error', 7],
        ['complete', 7],
      ]);
      expect(received[0]).to.have.nested.property('error.code', 'invalid_request');
      expect(received[0]).to.have.nested.property('error.message').that.matches(REFUSED);
      socket.send('{"id":8,"event":"call","trace":{},"idempotencyKey":"k"}');
      await next(4);
      expect(received[2]).to.have.nested.property('error.code', 'invalid_arguments');
      socket.terminate();
    });
  });
});
