/**
 * The table of options: the one place where an option is declared. `Config`, the flags, --help, --print-config
 * and the README's table all come from it.
 *
 * O1. A key of the table is the field of `Config`; durations end in Ms, sizes in Bytes.
 * O2. A default is written as a user would write it, and read by the same code.
 * O3. Rules between options are in rules.ts; how values are found and refused is in load.ts.
 * Length: one table, an option after the other; a second file would be a second place to look.
 */
import { userDataFolder } from '../runners/threads/environment/user-data-folder.ts';
import {
  list,
  oneOf,
  onOff,
  optionalPath,
  optionalUrl,
  seconds,
  size,
  text,
  type ValueKind,
  wholeNumber,
} from './value-kind.ts';

export interface Option<T> {
  readonly env: string;
  /** Absent: the option has no flag, since a command line is seen by everybody on the machine. */
  readonly flag?: string;
  readonly kind: ValueKind<T>;
  /** Text, or a way to find it out, with the words that stand for it in tables. */
  readonly default: string | { readonly words: string; find(env: NodeJS.ProcessEnv): string };
  /** What the option does, in one sentence. */
  readonly summary: string;
  /** Why the default is what it is. */
  readonly reason: string;
  /** True: the value is never printed. */
  readonly secret?: boolean;
  /** True: an empty variable is a bad value instead of an absent one. */
  readonly refusesEmpty?: boolean;
}

const option = <T>(declared: Option<T>): Option<T> => declared;

/** The key that this page and every example prints; it opens nothing off loopback. */
export const PUBLISHED_API_KEY = 'super-secret';

const MAX_THREADS = 256;
const MAX_TEXT_BYTES = 256 * 1024 ** 2;

export const OPTIONS = {
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
  apiKeys: option({
    env: 'API_KEY',
    kind: list(
      /^[\x21-\x2b\x2d-\x7e]+$/,
      'one or more keys of visible ASCII characters, separated by commas, none of them empty',
      'keys',
      1,
    ),
    default: PUBLISHED_API_KEY,
    summary: 'The keys that open the gateway, separated by commas; there is no flag for it.',
    reason: 'The first call works at once; the gateway refuses to start with it off loopback.',
    secret: true,
    refusesEmpty: true,
  }),
  auth: option({
    env: 'AUTH',
    flag: '--auth',
    kind: onOff(),
    default: 'on',
    summary: 'Whether a key is needed; `--no-auth` is the same as `--auth off`. Off works on loopback only.',
    reason: 'Nothing is open by accident.',
  }),
  allowedHosts: option({
    env: 'ALLOWED_HOSTS',
    flag: '--allowed-hosts',
    kind: list(/^[^\s/,]+$/, 'host names separated by commas', 'names'),
    default: '',
    summary: 'Names accepted in the Host header besides loopback names and HOST, separated by commas.',
    reason: 'A page whose name an attacker points at this machine is refused.',
  }),
  corsOrigins: option({
    env: 'CORS_ORIGINS',
    flag: '--cors-origins',
    kind: list(
      /^(?:null|[a-z][a-z0-9+.-]*:\/\/[^\s/,]+)$/i,
      'origins such as https://app.example.com, separated by commas',
      'origins',
    ),
    default: '',
    summary: 'Origins whose web pages may call the gateway, separated by commas.',
    reason: 'No web page may until you list it.',
  }),
  minWorkers: option({
    env: 'MIN_WORKERS',
    flag: '--min-workers',
    kind: wholeNumber(1, MAX_THREADS, 'threads'),
    default: '2',
    summary: 'Threads kept ready.',
    reason: 'One busy thread does not delay the next call.',
  }),
  maxWorkers: option({
    env: 'MAX_WORKERS',
    flag: '--max-workers',
    kind: wholeNumber(1, MAX_THREADS, 'threads'),
    default: '8',
    summary: 'Threads at most, under load.',
    reason: 'Eight threads with their heaps fit a small machine.',
  }),
  callsPerWorker: option({
    env: 'CALLS_PER_WORKER',
    flag: '--calls-per-worker',
    kind: wholeNumber(1, 10_000, 'calls'),
    default: '128',
    summary: 'Calls that one thread runs at once, for tools that declare themselves `shared`.',
    reason: 'Such tools wait for I/O most of the time.',
  }),
  workerHeapMb: option({
    env: 'WORKER_HEAP_MB',
    flag: '--worker-heap-mb',
    kind: wholeNumber(32, 65_536, 'MiB'),
    default: '256',
    summary: 'Heap of one thread; a tool that needs more dies alone with `worker_out_of_memory`.',
    reason: 'Ample for a tool, and eight such threads leave memory to the gateway.',
  }),
  requestTimeoutMs: option({
    env: 'MCP_REQUEST_TIMEOUT',
    flag: '--request-timeout',
    kind: seconds(0.001),
    default: '60.0',
    summary: 'The longest a call may take, its wait in the queue included.',
    reason: 'What most MCP clients wait for.',
  }),
  queueLimit: option({
    env: 'QUEUE_LIMIT',
    flag: '--queue-limit',
    kind: wholeNumber(0, 1_000_000, 'calls'),
    default: '64',
    summary: 'Calls that may wait for a thread; the next one is `overloaded`.',
    reason: 'A longer queue only answers later that there is no room.',
  }),
  queueWaitMs: option({
    env: 'QUEUE_WAIT',
    flag: '--queue-wait',
    kind: seconds(0.001),
    default: '10',
    summary: 'How long a call may wait for a thread before it is `overloaded`.',
    reason: 'A caller is better off trying elsewhere by then.',
  }),
  cancelGraceMs: option({
    env: 'CANCEL_GRACE',
    flag: '--cancel-grace',
    kind: seconds(0),
    default: '2',
    summary: 'How long a cancelled tool may take to stop before its thread is killed.',
    reason: 'Enough to roll back and close, short enough to get the thread back.',
  }),
  streamStallMs: option({
    env: 'STREAM_STALL',
    flag: '--stream-stall',
    kind: seconds(0.01),
    default: '30',
    summary: 'How long a reader may stand still before its stream is dropped as `slow_consumer`.',
    reason: 'Longer than any hiccup of a network, shorter than patience for a dead peer.',
  }),
  drainTimeoutMs: option({
    env: 'DRAIN_TIMEOUT',
    flag: '--drain-timeout',
    kind: seconds(0),
    default: '25',
    summary: 'How long running calls may go on after SIGTERM or SIGINT.',
    reason: 'Ends before the 30 seconds after which process managers kill.',
  }),
  maxBodyBytes: option({
    env: 'MAX_BODY_BYTES',
    flag: '--max-body-bytes',
    kind: size(1, MAX_TEXT_BYTES),
    default: '1MiB',
    summary: 'The largest request body and WebSocket message.',
    reason: 'Arguments are small; it bounds what one client can make us hold.',
  }),
  maxResultBytes: option({
    env: 'MAX_RESULT_BYTES',
    flag: '--max-result-bytes',
    kind: size(1, MAX_TEXT_BYTES),
    default: '8MiB',
    summary: 'The largest chunk, returned value and collected list; a stream as a whole has no limit.',
    reason: 'Larger data belongs in a stream.',
  }),
  repeatBytes: option({
    env: 'REPEAT_BYTES',
    flag: '--repeat-bytes',
    kind: size(0, MAX_TEXT_BYTES),
    default: '64KiB',
    summary: 'The longest list of chunks that the final result of a stream repeats.',
    reason: 'Common clients break on longer lines.',
  }),
  socketCalls: option({
    env: 'SOCKET_CALLS',
    flag: '--socket-calls',
    kind: wholeNumber(1, 10_000, 'calls'),
    default: '8',
    summary: 'Calls at once on one WebSocket; the next one is `overloaded`.',
    reason: 'One socket cannot take every thread.',
  }),
  maxConnections: option({
    env: 'MAX_CONNECTIONS',
    flag: '--max-connections',
    kind: wholeNumber(1, 1_000_000, 'connections'),
    default: '4096',
    summary: 'Open connections at most.',
    reason: 'Stays below the usual limit of open files.',
  }),
  rateLimit: option({
    env: 'RATE_LIMIT',
    flag: '--rate-limit',
    kind: wholeNumber(0, 1_000_000, 'calls per key and second'),
    default: '0',
    summary: 'Calls a second that one key may start; 0 switches the limit off.',
    reason: 'A gateway of your own needs none.',
  }),
  logLevel: option({
    env: 'LOG_LEVEL',
    flag: '--log-level',
    kind: oneOf('DEBUG', 'INFO', 'WARNING', 'ERROR'),
    default: 'INFO',
    summary: 'The least grave record that is logged; the log goes to stderr.',
    reason: 'One line a call.',
  }),
  tools: option({
    env: 'TOOLS',
    flag: '--tools',
    kind: list(/^[^,]+$/, 'paths of tool modules or folders, separated by commas', 'path'),
    default: '',
    summary: 'Tool modules, or folders of them, separated by commas; the flag may be repeated.',
    reason: 'The built-in tools are always there.',
  }),
  toolEnv: option({
    env: 'TOOL_ENV',
    flag: '--tool-env',
    kind: list(/^[A-Za-z_][A-Za-z0-9_]*$/, 'names of environment variables, separated by commas', 'names'),
    default: '',
    summary: 'Names of the environment variables that tools may read, separated by commas.',
    reason: 'Tools do not see your secrets unless you name them.',
  }),
  dataDir: option({
    env: 'DATA_DIR',
    flag: '--data-dir',
    kind: text(/^.+$/, 'the path of a folder', 'path'),
    default: { words: "the user's data folder", find: userDataFolder },
    summary: 'The folder of what the built-in tools keep.',
    reason: 'The same data whatever folder you start in, and for every MCP client.',
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
  oauthIssuer: option({
    env: 'OAUTH_ISSUER',
    flag: '--oauth-issuer',
    kind: optionalUrl(),
    default: '',
    summary: 'The issuer whose access tokens /mcp accepts besides API keys; needs the two options below.',
    reason: 'Keys are enough until you have an identity provider.',
  }),
  oauthAudience: option({
    env: 'OAUTH_AUDIENCE',
    flag: '--oauth-audience',
    kind: optionalUrl(),
    default: '',
    summary: 'The audience that access tokens must have: the address of /mcp as clients know it.',
    reason: 'Goes with OAUTH_ISSUER.',
  }),
  oauthJwksUri: option({
    env: 'OAUTH_JWKS_URI',
    flag: '--oauth-jwks-uri',
    kind: optionalUrl(),
    default: '',
    summary: "The address of the issuer's public keys.",
    reason: 'Goes with OAUTH_ISSUER.',
  }),
  oauthScopes: option({
    env: 'OAUTH_SCOPES',
    flag: '--oauth-scopes',
    kind: list(/^[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+$/, 'scopes separated by commas', 'scopes'),
    default: '',
    summary: 'Scopes that an access token must have, separated by commas.',
    reason: 'Whoever the issuer gives a token for this audience may call.',
  }),
  reload: option({
    env: 'RELOAD',
    flag: '--reload',
    kind: onOff(),
    default: 'off',
    summary: 'Watches the tool modules and swaps the threads when one changes, without dropping a call.',
    reason: 'For development.',
  }),
} as const;

export type OptionName = keyof typeof OPTIONS;

/**
 * Every setting of a gateway, one field an entry of the table above: what it does, its default and the reason for it
 * are there, in the README and in --help. Durations are whole milliseconds (`…Ms`), sizes bytes (`…Bytes`), whatever
 * the unit of their variable; lists are arrays.
 */
export type Config = {
  readonly [N in OptionName]: (typeof OPTIONS)[N] extends Option<infer T> ? T : never;
};

/** The table as a list, in the order of declaration. */
export const OPTION_LIST: readonly (readonly [OptionName, Option<unknown>])[] = Object.entries(
  OPTIONS,
) as unknown as readonly (readonly [OptionName, Option<unknown>])[];
