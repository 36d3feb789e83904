/**
 * Tells why the program cannot start: one clear line with the next step, and the stack only at LOG_LEVEL=DEBUG.
 */
import { ConfigError } from '../lib/config/config-error.ts';
import type { Config } from '../lib/config/options.ts';
import { USAGE_ERROR } from './command-line.ts';

/** Writes the reason to stderr and gives the exit code. */
export function reportStartFailure(error: unknown, config?: Config): number {
  process.stderr.write(`mcp-streaming-gateway: ${messageOf(error)}\n`);
  if (config?.logLevel === 'DEBUG' && error instanceof Error) process.stderr.write(`${stackOf(error)}\n`);
  return error instanceof ConfigError ? USAGE_ERROR : 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function stackOf(error: Error): string {
  return error.cause instanceof Error
    ? `${error.stack}\ncaused by ${stackOf(error.cause)}`
    : String(error.stack);
}
