/** Puts /mcp, what older clients call in its place, and the page that names its authorization server, on the listening socket. */
import type { ValuesOf } from '../../../config/option.ts';
import type { Transport, TransportContext } from '../../transport.ts';
import { serviceOptions } from '../service-options.ts';
import { McpEndpoint } from './mcp-endpoint.ts';
import type { mcpHttpOptions } from './options.ts';

type McpHttpSettings = ValuesOf<typeof mcpHttpOptions>;

export class McpHttpTransport implements Transport<TransportContext<McpHttpSettings>> {
  readonly name: string;
  #endpoint: McpEndpoint | undefined;

  constructor(name: string) {
    this.name = name;
  }

  open(context: TransportContext<McpHttpSettings>): void {
    const { access, watch, log, meter, limits, options, http, peers } = context;
    this.#endpoint = new McpEndpoint({
      ...serviceOptions(this.name, context),
      keepsCalls: true,
      peers,
      place: peers?.place,
      access,
      admit: (request) => http.admit(request),
      watch,
      log,
      meter,
      maxBodyBytes: limits.maxBodyBytes,
      legacySse: options.legacySse,
      oauth: {
        issuer: options.oauthIssuer,
        audience: options.oauthAudience,
        jwksUri: options.oauthJwksUri,
        scopes: options.oauthScopes,
      },
    });
    for (const mount of this.#endpoint.mounts) http.mount(mount);
  }

  stats(): object {
    return this.#endpoint?.stats() ?? {};
  }

  close(): void {
    this.#endpoint?.close();
  }
}
