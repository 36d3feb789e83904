/** Reads the flags of the two commands. */
import { parseArgs } from 'node:util';
import { TRANSPORT_NAMES, type TransportName } from './clients/transport.ts';

/** @throws {Error} for a flag that is unknown, or has no number where one is due. */
export function readFlags(args: readonly string[], flags: readonly string[]) {
  const options = Object.fromEntries(flags.map((flag) => [flag, { type: 'string' as const }]));
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
  const text = (flag: string): string | undefined => values[flag] as string | undefined;
  return {
    positionals,
    text,
    number(flag: string, otherwise: number): number {
      const value = Number(text(flag) ?? otherwise);
      if (!Number.isFinite(value)) throw new Error(`--${flag} wants a number, not ${text(flag)}`);
      return value;
    },
    list: (flag: string): string[] => (text(flag) ?? '').split(',').filter((word) => word !== ''),
  };
}

/** @throws {Error} for a name that is none. */
export function transportsNamed(names: readonly string[]): TransportName[] {
  const unknown = names.find((name) => !TRANSPORT_NAMES.includes(name as TransportName));
  if (unknown !== undefined)
    throw new Error(`no transport is named ${unknown}; there are ${TRANSPORT_NAMES.join(', ')}`);
  return TRANSPORT_NAMES.filter((name) => names.length === 0 || names.includes(name));
}

/** `NAME=value` pairs for the gateway's environment. */
export function environmentOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
}
