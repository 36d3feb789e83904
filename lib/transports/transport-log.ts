/** How transports tell the operator something; gateway.ts wires it to the logger. */
import type { LogLevel } from '../protocol/frames.ts';

export type TransportLog = (
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;
