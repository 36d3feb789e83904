/** How transports tell the operator something; gateway.ts wires it to the logger. */
import type { LogLevel } from '../../call/log-level.ts';

export type TransportLog = (
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;
