/** How transports tell the operator something; gateway.ts wires it to the logger. */
import type { LogLevel } from '../../runners/threads/port/frames.ts';

export type TransportLog = (
  level: LogLevel,
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;
