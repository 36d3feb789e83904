/** The options of the metrics. */
import { isLoopbackName } from '../../access/host-and-origin.ts';
import { option, type Rule, type ValuesOf } from '../../config/option.ts';
import { onOff, optionalPort, text } from '../../config/value-kind.ts';

export const metricsOptions = {
  metrics: option({
    env: 'METRICS',
    flag: '--metrics',
    kind: onOff(),
    default: 'on',
    summary: 'Whether `GET /metrics` tells the figures of the gateway to Prometheus; it needs a key.',
    reason: 'They cost nothing until they are asked for.',
  }),
  metricsPort: option({
    env: 'METRICS_PORT',
    flag: '--metrics-port',
    kind: optionalPort(),
    default: '',
    summary: 'A port on which `/metrics` is served too, on METRICS_HOST.',
    reason: 'A scraper that is on the same machine, or network, need not know a key.',
  }),
  metricsHost: option({
    env: 'METRICS_HOST',
    flag: '--metrics-host',
    kind: text(/^[^\s/]+$/, 'an IP address or a host name', 'address'),
    default: '127.0.0.1',
    summary: 'The address of METRICS_PORT; any but a loopback address asks for a key.',
    reason: 'Figures tell the names of tools, and how busy they are.',
  }),
};

export type MetricsOptions = ValuesOf<typeof metricsOptions>;

export const metricsRules: readonly Rule<MetricsOptions & { readonly auth: boolean }>[] = [
  {
    about: ['metrics', 'metricsPort'],
    refusal: ({ metrics, metricsPort }) =>
      metrics || metricsPort === null
        ? undefined
        : `METRICS_PORT is ${metricsPort}, but METRICS is off; switch it on, or leave the port out`,
  },
  {
    about: ['metricsHost', 'metricsPort', 'auth'],
    whenListening: true,
    refusal: ({ metricsHost, metricsPort, auth }) =>
      auth || metricsPort === null || isLoopbackName(metricsHost)
        ? undefined
        : `METRICS_HOST is "${metricsHost}" and AUTH (--no-auth) is off; expected a loopback address there, or AUTH on`,
  },
];
