/**
 * The envelope of a request of 2026-07-28: what `_meta` must hold.
 */
import { isLogLevel, META_CAPABILITIES, META_LOG_LEVEL, META_VERSION, STATELESS_VERSION } from '../era.ts';
import { INVALID_PARAMS, McpFault, UNSUPPORTED_VERSION } from '../fault.ts';
import { isObject, jsonText, type McpRequest, metaOf, type Params } from '../message.ts';

export interface Envelope {
  readonly version: string;
  readonly capabilities: Params;
  readonly logLevel: string | undefined;
}

/** Whether a request claims to be of the stateless era. */
export function isStatelessRequest(params: Params): boolean {
  return metaOf(params)[META_VERSION] !== undefined;
}

/** Reads the envelope. @throws {McpFault} when it is incomplete or names a version that is not served. */
export function readEnvelope({ params }: McpRequest): Envelope {
  const meta = metaOf(params);
  const { [META_VERSION]: version, [META_CAPABILITIES]: capabilities, [META_LOG_LEVEL]: logLevel } = meta;
  if (typeof version !== 'string') throw invalid(`_meta needs "${META_VERSION}", a string`);
  if (!isObject(capabilities)) throw invalid(`_meta needs "${META_CAPABILITIES}", an object`);
  if (logLevel !== undefined && !isLogLevel(logLevel)) {
    throw invalid(`${jsonText(logLevel)} is no log level`);
  }
  return { version, capabilities, logLevel };
}

/** @throws {McpFault} for a version other than the served one. */
export function checkVersion(version: string): void {
  if (version === STATELESS_VERSION) return;
  throw new McpFault(UNSUPPORTED_VERSION, `protocol version ${jsonText(version)} is not served here`, {
    status: 400,
    data: { supported: [STATELESS_VERSION], requested: version },
  });
}

const invalid = (message: string): McpFault => new McpFault(INVALID_PARAMS, message, { status: 400 });
