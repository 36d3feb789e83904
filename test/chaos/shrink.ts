/**
 * Looks for the one kind of fault that shows a violation by itself, where several were under way when it was seen.
 *
 * S1. Tries the suspects one after the other, the likeliest first: poisoners, and those that were suspected most often.
 */
import type { TransportName } from './clients/transport.ts';
import { KINDS } from './kinds/all-kinds.ts';
import type { Kind } from './kinds/kind.ts';
import type { Promised, Violation } from './ledger.ts';
import { type ChaosOptions, runChaos } from './run-chaos.ts';

const FAULTS = 8;

export interface Smallest {
  readonly promise: Promised;
  readonly command: string;
}

/** @returns for each promise that was broken, the smallest run that broke it again within the time there is. */
export async function shrink(
  options: ChaosOptions,
  violations: readonly Violation[],
  seconds: number,
): Promise<Smallest[]> {
  const giveUpAt = performance.now() + seconds * 1000;
  const found: Smallest[] = [];
  const open = new Set(violations.map(({ promise }) => promise));
  for (const { kind, transports } of likeliest(violations)) {
    if (open.size === 0 || performance.now() > giveUpAt) break;
    const { seed } = options;
    const env = { ...options.env, MIN_WORKERS: '3', MAX_WORKERS: '3' };
    const small = { ...options, env, kinds: [kind], transports, faults: FAULTS, seconds: 15, parallel: 2 };
    const { ledger } = await runChaos(small);
    for (const promise of open) {
      if (ledger.counts[promise] === 0) continue;
      open.delete(promise);
      const command =
        `npm run chaos -- --seed ${seed} --kinds ${kind.name} --transports ${transports.join()} ` +
        `--faults ${FAULTS} --parallel 2 --env MIN_WORKERS=3,MAX_WORKERS=3`;
      found.push({ promise, command });
    }
  }
  return found;
}

function likeliest(violations: readonly Violation[]): { kind: Kind; transports: TransportName[] }[] {
  const suspicion = new Map<string, number>();
  const transports = new Map<string, Set<TransportName>>();
  for (const { suspects } of violations) {
    for (const { kind, transport } of suspects) {
      suspicion.set(kind, (suspicion.get(kind) ?? 0) + 1 / suspects.length);
      transports.set(kind, (transports.get(kind) ?? new Set()).add(transport));
    }
  }
  const weight = (kind: Kind) => (suspicion.get(kind.name) ?? 0) * (kind.isPoison ? 2 : 1);
  return KINDS.filter(({ name }) => suspicion.has(name))
    .sort((a, b) => weight(b) - weight(a))
    .map((kind) => ({ kind, transports: [...(transports.get(kind.name) ?? [])] }));
}
