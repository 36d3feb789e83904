import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { GatewayRequest, GatewayResponse } from '../../../lib/transports/http/gateway-message.ts';
import { McpReply, type ReplyContext } from '../../../lib/transports/mcp/http/reply.ts';

describe('McpReply', () => {
  it('gives the reader of a stream that calls share more time before a result than the one of a call’s own', async () => {
    const order: string[] = [];
    const replyThat = () => {
      const socket = new EventEmitter();
      const response = Object.assign(new EventEmitter(), {
        writableLength: 0,
        writeHead: () => response,
        flushHeaders() {},
        write: (text: string) => order.push(/result of \w+/.exec(text)?.[0] ?? 'progress'),
        end: (text: string) => response.write(text),
      });
      const context = { watch: { add() {}, remove() {} }, meter: { streams: 0 } };
      return new McpReply(
        { socket, requestId: 'r', callHeaders: [] } as unknown as GatewayRequest,
        response as unknown as GatewayResponse,
        context as unknown as ReplyContext,
      );
    };
    const [shared, own] = [replyThat(), replyThat()];
    shared.event('1', undefined, 'message');
    own.event('1');
    shared.eventApart('"result of one of many"', 'message');
    own.last('"result of its own"');
    // Timers fire in the order in which they are due, however late.
    await sleep(25).then(() => order.push('a while later'));
    await sleep(200);
    expect(order).to.deep.equal(['progress', 'progress', 'result of its', 'a while later', 'result of one']);
  });
});
