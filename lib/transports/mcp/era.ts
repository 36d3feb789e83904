/**
 * The two eras of the protocol: with sessions up to 2025-11-25, stateless since 2026-07-28. What a result looks
 * like in each, and what a client can do in each.
 *
 * E1. A result is put together from text: the era's head, the body (JSON members without braces), `_meta`.
 */
import type { ClientAbilities } from '../../call/caller.ts';
import type { LogLevel } from '../../call/log-level.ts';
import { isObject, type Params } from './message.ts';

export const STATELESS_VERSION = '2026-07-28';
export const SESSION_VERSIONS: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];

/** Whether a version is of the era with sessions; the SDK still takes its first draft too. */
export function isSessionVersion(version: string): boolean {
  return SESSION_VERSIONS.includes(version) || version === '2024-10-07';
}

export const META_PREFIX = 'io.github.mcp-streaming-gateway/';
export const META_VERSION = 'io.modelcontextprotocol/protocolVersion';
export const META_CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
export const META_LOG_LEVEL = 'io.modelcontextprotocol/logLevel';
export const META_SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';

/** Name and version as the server tells them. */
export interface ServerIdentity {
  readonly name: string;
  readonly title?: string;
  readonly version: string;
}

export interface Era {
  readonly isStateless: boolean;
  /**
   * Text of a complete result.
   * @param body JSON members without braces, possibly empty. @param meta JSON text of `_meta`, or null.
   * @param ttlMs for results that may be cached: how long, in milliseconds.
   */
  result(body: string, meta?: string | null, ttlMs?: number): string;
}

export const SESSION_ERA: Era = {
  isStateless: false,
  result(body, meta) {
    if (!meta || meta === '{}') return `{${body}}`;
    return body === '' ? `{"_meta":${meta}}` : `{${body},"_meta":${meta}}`;
  },
};

const META_SERVER = 'io.modelcontextprotocol/serverInfo';

/** The members of a tool's own `_meta`, as text, without the one that the gateway writes. */
function otherMeta(meta: string): string {
  if (!meta.includes(META_SERVER)) return meta.slice(1, -1);
  const { [META_SERVER]: _own, ...others } = JSON.parse(meta);
  return JSON.stringify(others).slice(1, -1);
}

export function statelessEra(server: ServerIdentity): Era {
  const serverInfo = `"${META_SERVER}":${JSON.stringify(server)}`;
  const tail = `"_meta":{${serverInfo}`;
  return {
    isStateless: true,
    result(body, meta, ttlMs) {
      const cache = ttlMs === undefined ? '' : `"ttlMs":${ttlMs},"cacheScope":"private",`;
      const members = body === '' ? '' : `${body},`;
      const own = meta ? otherMeta(meta) : '';
      const more = own === '' ? '' : `,${own}`;
      return `{"resultType":"complete",${cache}${members}${tail}${more}}}`;
    },
  };
}

/** What tools may ask a client with these capabilities; an empty `elicitation` means forms. */
export function abilitiesOf(capabilities: Params | undefined): ClientAbilities | undefined {
  if (!capabilities) return undefined;
  const elicitation = capabilities['elicitation'];
  const elicits = isObject(elicitation);
  const url = elicits && isObject(elicitation['url']);
  const form = elicits && (isObject(elicitation['form']) || !url);
  const sample = isObject(capabilities['sampling']);
  const roots = isObject(capabilities['roots']);
  if (!elicits && !sample && !roots) return undefined;
  return { elicitForm: form, elicitUrl: url, sample, roots };
}

/** The protocol's log levels, least severe first. */
const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

export function isLogLevel(value: unknown): value is string {
  return typeof value === 'string' && LEVELS.includes(value);
}

/** Whether a record of `level` is wanted by a client that asked for `minimum`. */
export function isWantedLevel(level: string, minimum: string): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(minimum);
}

/** The least severe level of a tool's records that a client with this minimum may want. */
export function toolLogLevel(minimum: string): LogLevel {
  if (minimum === 'debug' || minimum === 'info') return minimum;
  return minimum === 'notice' || minimum === 'warning' ? 'warning' : 'error';
}
