/**
 * `GET /metrics`. It makes no calls: it tells of them.
 *
 * M1. The figures are gathered when somebody asks; METRICS=off loads nothing.
 * M2. The port of its own serves nothing else. Host is checked there as everywhere, and off loopback the key too.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { isLoopbackName } from '../../access/host-and-origin.ts';
import { ToolError } from '../../call/tool-error.ts';
import { respond } from '../http/response.ts';
import type { MetricsSource, Transport, TransportContext } from '../transport.ts';
import type { MetricsOptions } from './options.ts';

export class PrometheusTransport implements Transport<TransportContext<MetricsOptions>> {
  readonly name: string;
  #source: MetricsSource | undefined;
  #server: Server | undefined;

  constructor(name: string) {
    this.name = name;
  }

  async open(context: TransportContext<MetricsOptions>): Promise<void> {
    const { http, options, openMetrics } = context;
    if (!options.metrics) return;
    const source = await openMetrics();
    this.#source = source;
    http.route({
      method: 'GET',
      path: '/metrics',
      description: 'tells the figures of the gateway to Prometheus',
      handle: (request, response) => respond(request, response, 200, source.mediaType, source.text()),
    });
    if (options.metricsPort !== null) await this.#listen(context, source, options.metricsPort);
  }

  async close(): Promise<void> {
    this.#source?.close();
    const server = this.#server;
    if (!server) return;
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }

  /** The port of its own, for its numbers in /stats. */
  stats(): object {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? { port: address.port } : {};
  }

  async #listen(
    { access, options: { metricsHost: host }, log }: TransportContext<MetricsOptions>,
    source: MetricsSource,
    port: number,
  ): Promise<void> {
    const needsKey = !isLoopbackName(host);
    const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      try {
        access.checkOrigin(request);
        if (needsKey) await access.checkKey(request);
        const path = (request.url ?? '/').replace(/\?.*$/, '');
        if (path !== '/metrics') throw new ToolError('not_found', 'only /metrics is here');
        if (request.method !== 'GET' && request.method !== 'HEAD')
          throw new ToolError('method_not_allowed', `${request.method} is not allowed here; use GET`);
        answer(response, 200, source.mediaType, source.text());
      } catch (thrown) {
        const { status, message } = ToolError.from(thrown, 'internal', 'the metrics could not be gathered');
        if (status === 500) log('error', message, { error: thrown });
        answer(response, status, 'text/plain; charset=utf-8', `${message}\n`);
      }
    };
    const server = createServer((request, response) => void serve(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => resolve());
    });
    server.on('error', (error) => log('error', 'a connection could not be taken', { error }));
    this.#server = server;
  }
}

function answer(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 401 ? { 'WWW-Authenticate': 'Bearer realm="mcp-streaming-gateway"' } : {}),
  });
  response.end(body);
}
