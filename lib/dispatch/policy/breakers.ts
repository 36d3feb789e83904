/**
 * The circuit breakers of all tools. A tool that has not failed has none.
 *
 * B1. A breaker is that of one definition: a reload that replaces the tool drops it, and what still runs of the old
 *     definition counts for nothing.
 */
import type { Catalog, ToolDescriptor } from '../../call/catalog.ts';
import type { ToolError } from '../../call/tool-error.ts';
import {
  type BreakerChange,
  type BreakerOptions,
  type BreakerView,
  type Probe,
  ToolBreaker,
} from './tool-breaker.ts';

export class Breakers {
  readonly #options: BreakerOptions;
  readonly #log: (tool: string, message: string) => void;
  readonly #now: (() => number) | undefined;
  readonly #breakers = new Map<ToolDescriptor, ToolBreaker>();
  #known: ReadonlySet<ToolDescriptor> = new Set();
  /** When they were loaded. */
  #since = 0;

  /** @param log told of each change. */
  constructor(
    options: BreakerOptions,
    log: (tool: string, message: string) => void,
    now: (() => number) | undefined,
  ) {
    this.#options = options;
    this.#log = log;
    this.#now = now;
  }

  /** From now on these are the tools. */
  adopt({ tools }: Catalog): void {
    this.#known = new Set(tools);
    this.#since = Date.now();
    for (const tool of this.#breakers.keys()) if (!this.#known.has(tool)) this.#breakers.delete(tool);
  }

  /** The error of a call that may not be made now. */
  refusal(tool: ToolDescriptor, keyId: string): ToolError | undefined {
    const breaker = this.#breakers.get(tool);
    if (breaker === undefined) return undefined;
    const ms = breaker.refusesFor(keyId);
    return ms === 0 ? undefined : breaker.refusal(tool.name, keyId, ms);
  }

  /** Makes a call that is not refused the probe of what is to be tried again; undefined where nothing is. */
  probe(tool: ToolDescriptor, keyId: string): Probe | undefined {
    return this.#breakers.get(tool)?.probe(keyId);
  }

  failed(tool: ToolDescriptor, keyId: string): void {
    if (!this.#known.has(tool)) return;
    let breaker = this.#breakers.get(tool);
    if (breaker === undefined) {
      const onChange = (change: BreakerChange) => this.#changed(tool.name, change);
      breaker = new ToolBreaker(this.#options, onChange, this.#since, this.#now);
      this.#breakers.set(tool, breaker);
    }
    breaker.failed(keyId);
  }

  #changed(tool: string, { keyId, from, to }: BreakerChange): void {
    const { failures, windowMs, openMs } = this.#options;
    const cause =
      from === 'closed'
        ? `${failures} calls within ${windowMs / 1000} s crashed, ran out of memory or did not end in time`
        : 'the call that tried it failed too';
    const why = {
      open: `${cause}; it is refused for ${openMs / 1000} s`,
      'half-open': 'one call tries it again',
      closed: 'it works again',
    };
    const whose = keyId === null ? '' : ` for the key ${keyId}`;
    this.#log(tool, `the circuit breaker of ${JSON.stringify(tool)} is ${to}${whose}: ${why[to]}`);
  }

  /** How many tools refuse calls now. */
  get refusing(): number {
    let count = 0;
    for (const breaker of this.#breakers.values()) if (breaker.isRefusing) count++;
    return count;
  }

  view(tool: ToolDescriptor): BreakerView {
    return (
      this.#breakers.get(tool)?.view() ?? {
        state: 'closed',
        since: new Date(this.#since).toISOString(),
        failures: 0,
      }
    );
  }
}
