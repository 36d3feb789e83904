/** The options of the listening socket. */
import { option, type Rule, type ValuesOf } from '../../config/option.ts';
import { optionalPath, text, wholeNumber } from '../../config/value-kind.ts';

export const httpOptions = {
  host: option({
    env: 'HOST',
    flag: '--host',
    kind: text(/^[^\s/,]+$/, 'an address or host name to listen on, without port', 'address'),
    default: '127.0.0.1',
    summary: 'The address to listen on.',
    reason: 'Only this machine can connect until you decide otherwise.',
  }),
  port: option({
    env: 'PORT',
    flag: '--port',
    kind: wholeNumber(0, 65_535),
    default: '8000',
    summary: 'The port to listen on; 0 takes a free one.',
    reason: 'The port of every printed example.',
  }),
  tlsCert: option({
    env: 'TLS_CERT',
    flag: '--tls-cert',
    kind: optionalPath(),
    default: '',
    summary: 'A certificate chain in PEM; with TLS_KEY it turns on HTTPS and WSS.',
    reason: 'On loopback there is nothing to encrypt.',
  }),
  tlsKey: option({
    env: 'TLS_KEY',
    flag: '--tls-key',
    kind: optionalPath(),
    default: '',
    summary: "The certificate's private key in PEM.",
    reason: 'Goes with TLS_CERT.',
  }),
  maxConnections: option({
    env: 'MAX_CONNECTIONS',
    flag: '--max-connections',
    kind: wholeNumber(1, 1_000_000, 'connections'),
    default: '4096',
    summary: 'Open connections at most.',
    reason: 'Stays below the usual limit of open files.',
  }),
};

export const httpRules: readonly Rule<ValuesOf<typeof httpOptions>>[] = [
  {
    about: ['tlsCert', 'tlsKey'],
    whenListening: true,
    refusal({ tlsCert, tlsKey }) {
      if ((tlsCert === null) === (tlsKey === null)) return undefined;
      const [there, missing] = tlsCert === null ? ['TLS_KEY', 'TLS_CERT'] : ['TLS_CERT', 'TLS_KEY'];
      return `${missing} is not set and ${there} is "${tlsCert ?? tlsKey}"; expected both paths or neither`;
    },
  },
];
