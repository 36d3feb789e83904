/**
 * Results as Server-Sent Events, as graphql-sse has them: `next` and `complete`, of one operation or of several.
 *
 * S1. Several operations write in turn: none begins while another's text is on its way, and none goes on while the reader
 *     is behind.
 */
import {
  EVENT_STREAM_COMMENT,
  type GatewayRequest,
  type GatewayResponse,
} from '../../http/gateway-message.ts';
import {
  EVENT_STREAM_TYPE,
  HEAD_DELAY_MS,
  HttpStream,
  type StreamContext,
  type StreamSource,
} from '../../http/response-stream.ts';

export class EventStream {
  readonly #stream: HttpStream;

  /**
   * @param source what is cancelled when the reader leaves.
   * @param closed called when the answer is done, or its reader gone.
   */
  constructor(
    request: GatewayRequest,
    response: GatewayResponse,
    source: StreamSource,
    context: StreamContext,
    closed?: () => void,
  ) {
    const hooks = { beginLate: () => this.begin(), ...(closed && { closed }) };
    this.#stream = new HttpStream(
      request,
      response,
      source,
      { ...context, headDelayMs: HEAD_DELAY_MS },
      hooks,
    );
  }

  /** Sends the head, unless that has happened. */
  begin(): void {
    if (!this.#stream.begin()) return;
    this.#stream.heartbeat = EVENT_STREAM_COMMENT;
    this.#stream.writeHead(EVENT_STREAM_TYPE, EVENT_STREAM_COMMENT);
  }

  /** Settles when the reader is ready for more, or has left. @param data one line. */
  async send(event: 'next' | 'complete', data: string): Promise<void> {
    await this.#ready();
    this.begin();
    this.#stream.write(`event: ${event}\ndata: ${data}\n\n`);
    await this.#ready();
  }

  end(): void {
    this.#stream.end();
  }

  /** Gives up, on a defect of ours. */
  fail(error: unknown): void {
    this.#stream.fail(error);
  }

  async #ready(): Promise<void> {
    for (let wait = this.#stream.ready(); wait; wait = this.#stream.ready()) await wait;
  }
}
