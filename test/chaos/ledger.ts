/**
 * The book of a run: what was done, how it ended, and every violation of what is promised.
 *
 * B1. What was cut by the death of its process is told as that death, and not a second time.
 */
import type { BreachKind } from './clients/call-log.ts';
import type { TransportName } from './clients/transport.ts';
import type { Kind } from './kinds/kind.ts';

export const PROMISES = [
  'process deaths',
  'ends not exactly once',
  'wrong-caller frames',
  'control calls lost',
  'wrong values',
  'not as it was',
] as const;

export type Promised = (typeof PROMISES)[number];

export interface Violation {
  readonly promise: Promised;
  readonly text: string;
  /** The fault, or those that were under way. */
  readonly suspects: readonly { readonly kind: string; readonly transport: TransportName }[];
}

export interface Fault {
  readonly at: number;
  readonly kind: Kind;
  readonly transport: TransportName;
}

interface Tally {
  faults: number;
  violations: number;
  readonly endings: Map<string, number>;
}

const PROMISE_OF: Readonly<Record<BreachKind, Promised>> = {
  contract: 'ends not exactly once',
  'wrong caller': 'wrong-caller frames',
  'wrong value': 'wrong values',
};

const isStdio = (transport: TransportName): boolean => transport === 'mcp-stdio';

/** How long a fault is suspected of what shows up after it. */
const SUSPECT_MS = 3000;

export class Ledger {
  readonly violations: Violation[] = [];
  readonly counts: Record<Promised, number> = {
    'process deaths': 0,
    'ends not exactly once': 0,
    'wrong-caller frames': 0,
    'control calls lost': 0,
    'wrong values': 0,
    'not as it was': 0,
  };
  readonly tallies = new Map<string, Tally>();
  readonly controlCalls = new Map<TransportName, number>();
  readonly #running = new Set<Fault>();
  #recent: { readonly fault: Fault; readonly endedAt: number }[] = [];
  faults = 0;

  begin(fault: Fault): void {
    this.#running.add(fault);
  }

  end(fault: Fault, endings: readonly string[]): void {
    this.#running.delete(fault);
    this.#recent.push({ fault, endedAt: performance.now() });
    this.faults++;
    const tally = this.#tallyOf(fault);
    tally.faults++;
    for (const ending of endings) tally.endings.set(ending, (tally.endings.get(ending) ?? 0) + 1);
  }

  ofFault(fault: Fault, breach: BreachKind, text: string): void {
    this.#tallyOf(fault).violations++;
    const suspects = [{ kind: fault.kind.name, transport: fault.transport }];
    this.violate(
      PROMISE_OF[breach],
      `fault ${fault.at}, ${fault.kind.name} over ${fault.transport}: ${text}`,
      suspects,
    );
  }

  ofControl(promise: Promised | BreachKind, transport: TransportName, text: string): void {
    const known = PROMISE_OF[promise as BreachKind] ?? (promise as Promised);
    // Processes of their own do nothing to each other.
    const suspects = this.suspects().filter(({ transport: name }) => isStdio(name) === isStdio(transport));
    this.violate(known, `a control call over ${transport}: ${text}`, suspects);
  }

  violate(promise: Promised, text: string, suspects: Violation['suspects'] = []): void {
    this.counts[promise]++;
    if (this.violations.length < 1000) this.violations.push({ promise, text, suspects });
  }

  controlled(transport: TransportName): void {
    this.controlCalls.set(transport, (this.controlCalls.get(transport) ?? 0) + 1);
  }

  /** The faults that are under way, and those just over. */
  suspects(): Violation['suspects'] {
    const now = performance.now();
    this.#recent = this.#recent.filter(({ endedAt }) => now - endedAt < SUSPECT_MS);
    return [...this.#running, ...this.#recent.map(({ fault }) => fault)].map(({ kind, transport }) => ({
      kind: kind.name,
      transport,
    }));
  }

  get isClean(): boolean {
    return PROMISES.every((promise) => this.counts[promise] === 0);
  }

  #tallyOf({ kind, transport }: Fault): Tally {
    const name = `${kind.name} ${transport}`;
    let tally = this.tallies.get(name);
    if (!tally) {
      tally = { faults: 0, violations: 0, endings: new Map() };
      this.tallies.set(name, tally);
    }
    return tally;
  }
}
