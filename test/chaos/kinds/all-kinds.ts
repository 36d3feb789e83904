/** Every kind of fault there is, by name. */
import { AWAITED } from '../awaited.ts';
import { CLIENT_KINDS } from './client-kinds.ts';
import { HTTP_WIRE_KINDS } from './http-wire-kinds.ts';
import type { Kind } from './kind.ts';
import { SOCKET_WIRE_KINDS } from './socket-wire-kinds.ts';
import { TOOL_KINDS } from './tool-kinds.ts';

export const KINDS: readonly Kind[] = [
  ...TOOL_KINDS,
  ...CLIENT_KINDS,
  ...HTTP_WIRE_KINDS,
  ...SOCKET_WIRE_KINDS,
];

/**
 * The kinds that `wanted` names: kinds, groups, `awaited`, and with a `-` before them those to leave out. Empty: all.
 * @throws {Error} for a name that is neither.
 */
export function kindsNamed(wanted: readonly string[]): Kind[] {
  const picks = (word: string) => {
    const found = KINDS.filter(
      ({ name, group }) => name === word || group === word || (word === 'awaited' && name in AWAITED),
    );
    if (found.length === 0 && word !== 'awaited')
      throw new Error(`no kind and no group of kinds is named ${word}`);
    return found;
  };
  const without = wanted.filter((word) => word.startsWith('-')).flatMap((word) => picks(word.slice(1)));
  const named = wanted.filter((word) => !word.startsWith('-')).flatMap(picks);
  const chosen = new Set(named.length === 0 ? KINDS : named);
  return KINDS.filter((kind) => chosen.has(kind) && !without.includes(kind));
}
