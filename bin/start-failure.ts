/**
 * Tells why the program cannot start: one clear line with the next step, and the stack only at LOG_LEVEL=DEBUG.
 */
import { ConfigError } from '../lib/config/config-error.ts';
import type { Config } from '../lib/config/options.ts';
import { USAGE_ERROR } from './command-line.ts';

/** Writes the reason to stderr and gives the exit code. */
export function reportStartFailure(error: unknown, config?: Config): number {
  const reason = config === undefined ? messageOf(error) : (systemReason(error, config) ?? messageOf(error));
  process.stderr.write(`mcp-streaming-gateway: ${reason}\n`);
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

/** What the system's refusal to listen means, and what to do about it. */
function systemReason(error: unknown, { host, port }: Config): string | undefined {
  if (!(error instanceof Error) || (error as NodeJS.ErrnoException).syscall === undefined) return undefined;
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE':
      return `port ${port} on ${host} is in use; stop the program that has it, or choose another with --port ${port + 1}`;
    case 'EACCES':
      return `port ${port} needs more rights than you have; choose one above 1023 with --port 8000`;
    case 'EADDRNOTAVAIL':
      return `${host} is no address of this machine; choose one with --host 127.0.0.1`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} cannot be resolved; choose an address with --host 127.0.0.1`;
    default:
      return undefined;
  }
}
