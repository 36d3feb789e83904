/**
 * The circuit breaker of one tool: after so many failures within a window its calls are refused for a while, so that a
 * tool that takes its threads along does not take those of the others too.
 *
 * B1. A failure is a run that took its thread along (worker_crashed, worker_out_of_memory), or did not end within the
 *     limit that its tool or the gateway sets. What a caller wishes (a shorter limit, a cancel), what is refused, and
 *     what a tool throws is none.
 * B2. So many failures of one key open the circuit for that key; of several keys together, for all.
 * B3. open → half-open, when its time is over and a call comes: that call is the probe, and while it runs the others are
 *     refused. The probe closes the circuit or opens it anew; one that was cancelled or did not run says nothing, and the
 *     next call is the probe.
 * B4. Bounded by keys: at most as many times a key as open the circuit, of keys that have failed within the window.
 * B5. On a clock that only goes forward: setting the machine's clock opens and closes nothing.
 */
import type { TerminalEvent } from '../../call/call-events.ts';
import type { ErrorCode } from '../../call/error-code.ts';
import { ToolError } from '../../call/tool-error.ts';

export interface BreakerOptions {
  /** So many failures open it. */
  readonly failures: number;
  /** Within so many milliseconds. */
  readonly windowMs: number;
  /** For so long. */
  readonly openMs: number;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

/** A change of one circuit. */
export interface BreakerChange {
  /** Whose calls it is about; null: everybody's. */
  readonly keyId: string | null;
  readonly from: BreakerState;
  readonly to: BreakerState;
}

/** What is shown of a breaker. */
export interface BreakerView {
  /** The gravest of its circuits. */
  readonly state: BreakerState;
  /** Since when, ISO 8601. */
  readonly since: string;
  /** Within the window. */
  readonly failures: number;
  /** The circuits of single keys that are not closed. */
  readonly keys?: Readonly<Record<string, BreakerState>>;
}

/** The call that may go through circuits whose time is over. */
export interface Probe {
  end(verdict: Verdict): void;
}

/** What the end of a run says about its tool; `none`: nothing. */
export type Verdict = 'passed' | 'failed' | 'none';

/** How long to wait for the end of a probe, which nobody knows. */
const PROBE_WAIT_MS = 1000;

/** Ends of runs that say nothing of their tools: somebody else ended them, or they are ours. */
const SILENT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'cancelled',
  'deadline_exceeded',
  'slow_consumer',
  'unavailable',
  'overloaded',
  'internal',
]);

/**
 * @param hasRun whether the tool ran.
 * @param isOwnLimit whether the deadline of the call was the tool's or the gateway's, and not its caller's.
 */
export function verdictOf(end: TerminalEvent, hasRun: boolean, isOwnLimit: boolean): Verdict {
  if (end.type === 'result') return 'passed';
  const { code } = end.error;
  if (code === 'worker_crashed' || code === 'worker_out_of_memory') return 'failed';
  if (code === 'deadline_exceeded' && hasRun && isOwnLimit) return 'failed';
  return hasRun && !SILENT.has(code) ? 'passed' : 'none';
}

class Circuit {
  state: BreakerState = 'closed';
  since: number;
  /** Whether a call tries it now. */
  isProbed = false;
  #opensUntil = 0;

  constructor(since = Date.now()) {
    this.since = since;
  }

  /** Milliseconds for which it refuses calls; 0: it does not. */
  refusesFor(now: number): number {
    if (this.state === 'closed') return 0;
    if (this.isProbed) return PROBE_WAIT_MS;
    return Math.max(0, Math.ceil(this.#opensUntil - now));
  }

  turn(state: BreakerState, opensUntil = 0): void {
    this.state = state;
    this.since = Date.now();
    this.#opensUntil = opensUntil;
    this.isProbed = false;
  }
}

export class ToolBreaker {
  readonly #options: BreakerOptions;
  readonly #onChange: (change: BreakerChange) => void;
  readonly #now: () => number;
  readonly #ofAll: Circuit;
  /** Those that are not closed. */
  readonly #ofKeys = new Map<string, Circuit>();
  /** When the runs of each key failed, within the window. */
  readonly #failures = new Map<string, number[]>();

  /**
   * @param since when its tool was loaded. @param now a clock in milliseconds that only goes forward.
   */
  constructor(
    options: BreakerOptions,
    onChange: (change: BreakerChange) => void,
    since: number,
    now: () => number = () => performance.now(),
  ) {
    this.#options = options;
    this.#onChange = onChange;
    this.#ofAll = new Circuit(since);
    this.#now = now;
  }

  /** Milliseconds for which calls of the key are refused; 0: they are not. */
  refusesFor(keyId: string): number {
    const now = this.#now();
    return Math.max(this.#ofAll.refusesFor(now), this.#ofKeys.get(keyId)?.refusesFor(now) ?? 0);
  }

  /** Whether any call would be refused now. */
  get isRefusing(): boolean {
    const now = this.#now();
    return [this.#ofAll, ...this.#ofKeys.values()].some((circuit) => circuit.refusesFor(now) > 0);
  }

  /** The error of a call that is refused for so long. */
  refusal(tool: string, keyId: string, ms: number): ToolError {
    const isOwn = this.#ofAll.refusesFor(this.#now()) === 0;
    const state = (isOwn ? this.#ofKeys.get(keyId) : this.#ofAll)?.state;
    const next =
      state === 'half-open'
        ? 'a call tries it just now; call again in a second'
        : `call again in ${Math.ceil(ms / 100) / 10} s, at ${new Date(Date.now() + ms).toISOString()}`;
    const text =
      `the circuit breaker of the tool ${JSON.stringify(tool)} is ${state}${isOwn ? ' for your key' : ''}, since its ` +
      `calls crash, run out of memory or do not end in time; ${next}`;
    return new ToolError('unavailable', text, { retryAfterMs: ms });
  }

  /** Makes a call of the key the probe of the circuits whose time is over; undefined where there is none. */
  probe(keyId: string): Probe | undefined {
    const probed: [string | null, Circuit][] = [];
    if (this.#ofAll.state !== 'closed') probed.push([null, this.#ofAll]);
    const ofKey = this.#ofKeys.get(keyId);
    if (ofKey) probed.push([keyId, ofKey]);
    if (probed.length === 0) return undefined;
    for (const [key, circuit] of probed) {
      if (circuit.state === 'open') this.#turn(key, circuit, 'half-open');
      circuit.isProbed = true;
    }
    return { end: (verdict) => this.#probed(probed, verdict) };
  }

  #probed(probed: readonly [string | null, Circuit][], verdict: Verdict): void {
    for (const [keyId, circuit] of probed) {
      if (verdict === 'none') circuit.isProbed = false;
      else this.#turn(keyId, circuit, verdict === 'passed' ? 'closed' : 'open');
    }
  }

  #turn(keyId: string | null, circuit: Circuit, state: BreakerState): void {
    const from = circuit.state;
    circuit.turn(state, state === 'open' ? this.#now() + this.#options.openMs : 0);
    if (state === 'closed') {
      if (keyId === null) this.#failures.clear();
      else {
        this.#failures.delete(keyId);
        this.#ofKeys.delete(keyId);
      }
    }
    this.#onChange({ keyId, from, to: state });
  }

  /** A run of the key has failed. What began before a circuit opened says nothing new. */
  failed(keyId: string): void {
    if (this.#ofAll.state !== 'closed' || this.#ofKeys.has(keyId)) return;
    const { failures } = this.#options;
    const total = this.#forgetOld() + 1;
    const times = this.#failures.get(keyId) ?? [];
    times.push(this.#now());
    this.#failures.set(keyId, times);
    if (total >= failures && this.#failures.size > 1) this.#turn(null, this.#ofAll, 'open');
    else if (times.length >= failures) {
      const circuit = new Circuit();
      this.#ofKeys.set(keyId, circuit);
      this.#turn(keyId, circuit, 'open');
    }
  }

  /** @returns how many failures are within the window. */
  #forgetOld(): number {
    const oldest = this.#now() - this.#options.windowMs;
    let total = 0;
    for (const [keyId, times] of this.#failures) {
      const recent = times.filter((time) => time > oldest);
      if (recent.length === 0) this.#failures.delete(keyId);
      else this.#failures.set(keyId, recent);
      total += recent.length;
    }
    return total;
  }

  view(): BreakerView {
    const failures = this.#forgetOld();
    const now = this.#now();
    // What would let the next call through is half-open, though that call has not come yet.
    const shown = (circuit: Circuit): BreakerState =>
      circuit.state === 'open' && circuit.refusesFor(now) === 0 ? 'half-open' : circuit.state;
    const keys = [...this.#ofKeys].map(([keyId, circuit]) => [keyId, shown(circuit)] as const);
    const circuits = [this.#ofAll, ...this.#ofKeys.values()];
    const gravest = circuits.reduce((one, other) => (RANK[shown(other)] > RANK[shown(one)] ? other : one));
    return {
      state: shown(gravest),
      since: new Date(gravest.since).toISOString(),
      failures,
      ...(keys.length === 0 ? {} : { keys: Object.fromEntries(keys) }),
    };
  }
}

const RANK: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };
