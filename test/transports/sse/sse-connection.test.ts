import { createSession, type Session } from 'better-sse';
import { expect } from 'chai';
import type { HttpStream } from '../../../lib/transports/http/response-stream.ts';
import { RenderedEvents, SseConnection } from '../../../lib/transports/sse/sse-connection.ts';

/** A session over a stream that keeps what happens to it after its head. */
async function openSession(): Promise<{ session: Session; connection: SseConnection; seen: string[] }> {
  const seen: string[] = [];
  const stream: Pick<HttpStream, 'writeHead' | 'write' | 'end'> = {
    writeHead: (type) => void seen.push(`head ${type}`),
    write: (text) => void seen.push(text),
    end: () => void seen.push('end'),
  };
  const connection = new SseConnection(stream as HttpStream);
  const options = { keepAlive: null, retry: null, trustClientEventId: false };
  const session = await createSession(connection, options);
  seen.length = 0;
  return { session, connection, seen };
}

const rendered = (text: string) => Object.assign(new RenderedEvents(), { text });

describe('SseConnection', () => {
  it('has, for better-sse, a request and a response of which every documented member answers', async () => {
    const { session } = await openSession();
    const { url, method, headers, signal } = session.getRequest() as Request;
    expect([url, method, [...headers], signal.aborted]).to.deep.equal([
      'http://localhost/',
      'POST',
      [],
      false,
    ]);
    const { status, headers: sent } = session.getResponse() as Response;
    expect([status, sent.get('content-type')]).to.deep.equal([200, 'text/event-stream']);
  });

  it('ends its own session and no other', async () => {
    const [one, other] = [await openSession(), await openSession()];
    let ends = 0;
    one.session.on('disconnected', () => ends++);
    other.session.on('disconnected', () => ends++);
    one.connection.end();
    one.connection.abort();
    expect([one.session.isConnected, other.session.isConnected, ends]).to.deep.equal([false, true, 1]);
    expect(one.seen).to.deep.equal(['end']);
    expect(one.session.getRequest().signal.aborted).to.equal(true);
  });

  it('sends rendered events as they are, batch after batch, whoever else is sending', async () => {
    const [one, other] = [await openSession(), await openSession()];
    const batches = [
      one.session.batch(rendered('id: 1\ndata: a\n\n')),
      other.session.batch(rendered('id: 1\ndata: b\n\n')),
      one.session.batch(rendered('id: 2\ndata: c\n\n')),
    ];
    await Promise.all(batches);
    expect(one.seen).to.deep.equal(['id: 1\ndata: a\n\n', 'id: 2\ndata: c\n\n']);
    expect(other.seen).to.deep.equal(['id: 1\ndata: b\n\n']);
  });
});
