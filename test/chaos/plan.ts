/** Which faults a run commits, in which order: all of it from the seed. */
import type { TransportName } from './clients/transport.ts';
import type { Kind } from './kinds/kind.ts';
import type { Fault } from './ledger.ts';
import type { Random } from './random.ts';

/**
 * First every kind once, over some transport; then rounds of all kinds over all transports (`perRound` of them, where
 * a kind says so), each in an order of its own.
 */
export function* planFaults(
  random: Random,
  kinds: readonly Kind[],
  transports: readonly TransportName[],
  faults: number,
): Generator<Fault, void, void> {
  let at = 0;
  const possible = (kind: Kind) => kind.transports.filter((name) => transports.includes(name));
  const usable = kinds.filter((kind) => possible(kind).length > 0);
  if (usable.length === 0) return;
  for (let round = 0; ; round++) {
    const pairs = usable.flatMap((kind) => {
      const some = round === 0 ? 1 : (kind.perRound ?? transports.length);
      return random
        .shuffled(possible(kind))
        .slice(0, some)
        .map((transport) => ({ kind, transport }));
    });
    for (const pair of random.shuffled(pairs)) {
      if (at === faults) return;
      yield { at: at++, ...pair };
    }
  }
}
