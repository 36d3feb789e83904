/** Clients of GraphQL for the shared transport suite: graphql-ws on one socket, graphql-sse with a stream a call. */
import { createClient as createSseClient } from 'graphql-sse';
import { createClient as createWsClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { KEY } from '../start-transports.ts';
import { ClientCall, type ClientCallOptions, type Connect, type ToldEnd } from '../transport-client.ts';

const QUERY = `subscription ($tool: String!, $arguments: JSON, $timeoutMs: Int, $result: ResultRepeat) {
  call(tool: $tool, arguments: $arguments, timeoutMs: $timeoutMs, result: $result) {
    __typename
    ... on CallStarted { callId }
    ... on CallProgress { progress total message }
    ... on CallChunks { index items }
    ... on CallSucceeded { data omitted meta }
  }
}`;

const STATUS_BY_CODE: Readonly<Record<string, ToldEnd['status']>> = {
  cancelled: 'cancelled',
  deadline_exceeded: 'timeout',
};

/** What both clients give. */
interface Result {
  readonly data?: { readonly call?: Record<string, unknown> | null } | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly extensions?: { readonly code?: string; readonly details?: unknown };
  }[];
}

interface Means {
  leave(): void;
  pause(): void;
  resume(): void;
}

type Subscribe = (
  request: { query: string; variables: Record<string, unknown> },
  sink: { next(result: Result): void; error(): void; complete(): void },
) => void;

class GraphqlCall extends ClientCall {
  readonly #url: string;
  readonly #means: Means;
  #callId: unknown;

  constructor(
    url: string,
    means: Means,
    subscribe: Subscribe,
    tool: string,
    args: object,
    options: ClientCallOptions,
  ) {
    super();
    this.#url = url;
    this.#means = means;
    const { result, ...others } = options;
    const variables = { tool, arguments: args, ...others, ...(result && { result: result.toUpperCase() }) };
    const close = () => this.close();
    subscribe(
      { query: QUERY, variables },
      { next: (told) => this.#next(told), error: close, complete: close },
    );
  }

  #next({ data, errors }: Result): void {
    const [error] = errors ?? [];
    if (error) {
      const { code = '', details } = error.extensions ?? {};
      const status = STATUS_BY_CODE[code] ?? 'error';
      this.tell({ type: 'end', status, error: { code, message: error.message, details } });
      return;
    }
    const { __typename: type, ...event } = data?.call ?? {};
    if (type === 'CallStarted') this.#callId = event['callId'];
    else if (type === 'CallProgress') this.tell({ type: 'progress', ...event } as never);
    else if (type === 'CallChunks') {
      const first = event['index'] as number;
      (event['items'] as unknown[]).forEach((item, at) => {
        this.tell({ type: 'chunk', index: first + at, data: item });
      });
    } else if (type === 'CallSucceeded') {
      const { omitted, ...rest } = event;
      this.tell({ type: 'end', status: 'success', ...rest, ...(omitted ? { omitted } : {}) } as never);
    } else throw new Error(`unexpected result ${JSON.stringify(data)}`);
  }

  /** A client that ends its subscription hears no more of it, so it is cancelled by the call's id. */
  cancel(): void {
    void fetch(`${this.#url}/calls/${this.#callId}`, { method: 'DELETE', headers: KEY });
  }

  leave(): void {
    this.#means.leave();
  }

  pause(): void {
    this.#means.pause();
  }

  resume(): void {
    this.#means.resume();
  }
}

/** A client's socket, with the key. */
export class SocketWithKey extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols, { headers: KEY, perMessageDeflate: false });
    this.on('error', () => {});
  }
}

export const connectGraphqlWs: Connect = async ({ url }) => {
  let socket: WebSocket | undefined;
  const client = createWsClient({
    url: `${url.replace('http', 'ws')}/graphql`,
    webSocketImpl: SocketWithKey,
    on: {
      opened: (opened) => {
        socket = opened as WebSocket;
      },
    },
    retryAttempts: 0,
    onNonLazyError: () => {},
  });
  const means = {
    leave: () => socket?.terminate(),
    pause: () => socket?.pause(),
    resume: () => socket?.resume(),
  };
  const subscribe: Subscribe = (request, { next, error, complete }) => {
    client.subscribe(request, { next: (result) => next(result as Result), error, complete });
  };
  return {
    call: (tool: string, args: object = {}, options: ClientCallOptions = {}) =>
      new GraphqlCall(url, means, subscribe, tool, args, options),
    async close() {
      socket?.terminate();
      await client.dispose();
    },
  };
};

/** A body that is read only while it is not held. */
class HeldBody {
  #held: Promise<void> | undefined;
  #release = (): void => {};

  hold(): void {
    this.#held = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  release(): void {
    this.#held = undefined;
    this.#release();
  }

  around(answer: Response): Response {
    const reader = answer.body?.getReader();
    if (!reader) return answer;
    const body = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          await this.#held;
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
    return new Response(body, { status: answer.status, headers: answer.headers });
  }
}

export const connectGraphqlSse: Connect = async ({ url }) => {
  const calls: GraphqlCall[] = [];
  return {
    call(tool: string, args: object = {}, options: ClientCallOptions = {}) {
      const body = new HeldBody();
      const client = createSseClient({
        url: `${url}/graphql`,
        headers: { ...KEY }, // the client writes into them
        retryAttempts: 0,
        fetchFn: async (input: string, init: RequestInit) => body.around(await fetch(input, init)),
      });
      const subscribe: Subscribe = (request, { next, error, complete }) => {
        client.subscribe(request, { next: (result) => next(result as Result), error, complete });
      };
      const means = { leave: () => client.dispose(), pause: () => body.hold(), resume: () => body.release() };
      const call = new GraphqlCall(url, means, subscribe, tool, args, options);
      calls.push(call);
      return call;
    },
    async close() {
      for (const call of calls) call.leave();
    },
  };
};
