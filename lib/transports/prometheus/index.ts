/** Metrics for Prometheus: on the gateway's own socket, and on one of their own where that is wanted. */
import type { TransportEntry } from '../transport.ts';
import { metricsOptions, metricsRules } from './options.ts';

const NAME = 'prometheus';

export const prometheus = {
  name: NAME,
  opens: 'listen',
  options: metricsOptions,
  rules: metricsRules,
  load: async () => new (await import('./prometheus-transport.ts')).PrometheusTransport(NAME),
} as const satisfies TransportEntry;
