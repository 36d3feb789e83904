/**
 * What the harness needs of a transport: start a call, and then leave it, cancel it, stop reading it.
 */
import type { CallLog, CallLogOptions } from './call-log.ts';

export const TRANSPORT_NAMES = [
  'rest',
  'sse',
  'ndjson',
  'websocket',
  'mcp-sessions',
  'mcp-stateless',
  'mcp-stdio',
] as const;

export type TransportName = (typeof TRANSPORT_NAMES)[number];

export interface CallSpec extends CallLogOptions {
  readonly tool: string;
  /** Marks the call; goes into the arguments, too. */
  readonly nonce: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** Whose call it is; over stdio there is one caller only. */
  readonly key: string;
  readonly timeoutMs?: number;
}

export interface ChaosCall {
  readonly log: CallLog;
  /** Cancels in the transport's own way; null where it has none besides leaving. */
  readonly cancel: (() => void) | null;
  /** Drops the connection without a word. */
  leave(): void;
  pause(): void;
  resume(): void;
}

export interface Transport {
  readonly name: TransportName;
  call(spec: CallSpec): ChaosCall;
  /** Gives up connections and sessions that outlive calls. */
  close(): Promise<void>;
}

/** Where a gateway listens; another port after it has died and was started again. */
export interface HttpTarget {
  readonly port: number;
}

export const HOST = '127.0.0.1';
