/** OpenAPI: the catalog described for generators and for clients that call HTTP APIs by such a description. */
import type { TransportEntry } from '../transport.ts';

const NAME = 'openapi';

export const openapi = {
  name: NAME,
  opens: 'listen',
  options: {},
  rules: [],
  load: async () => new (await import('./openapi-transport.ts')).OpenApiTransport(NAME),
} as const satisfies TransportEntry;
