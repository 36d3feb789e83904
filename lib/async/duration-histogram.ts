/**
 * Durations in a fixed amount of memory: percentiles of the last minutes, and counts since the start.
 *
 * H1. Recording allocates nothing: counts go up by one.
 * H2. Fine buckets grow by 5 %, so a percentile is at most 5 % above the truth. The bounds of the coarse counts are
 *     bounds of fine buckets too: no duration is ever counted beyond a bound that it does not exceed.
 * H3. Two windows take turns: percentiles tell of the last five to ten minutes, not of all time.
 */

/**
 * Upper bounds of the coarse counts, in seconds: what OpenTelemetry's semantic conventions advise for
 * `mcp.server.operation.duration`.
 */
export const COARSE_BOUNDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300] as const;

const SMALLEST_MS = 0.01;
const GROWTH = Math.log(1.05);
/** Reaches 24 hours. */
const STEPS = 470;
const WINDOW_MS = 5 * 60_000;

/** Upper bounds of the fine buckets, in milliseconds. */
const FINE_BOUNDS = fineBounds();
/** Where to begin to look for the bucket of a duration, by its step of 5 %. */
const FIRST_OF_STEP = Uint16Array.from({ length: STEPS }, (_, step) =>
  firstAtLeast(FINE_BOUNDS, step === 0 ? 0 : stepBound(step - 1)),
);
/** The coarse count that a fine bucket belongs to; the last is what exceeds all bounds. */
const COARSE_OF_FINE = Uint8Array.from(FINE_BOUNDS, (bound) =>
  firstAtLeast(
    COARSE_BOUNDS.map((seconds) => seconds * 1000),
    bound,
  ),
);

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Counts since the start. */
export interface DurationCounts {
  /** How many were at most as long as each of COARSE_BOUNDS and longer than the one before; then all longer ones. */
  readonly counts: readonly number[];
  /** All durations together, in seconds. */
  readonly sum: number;
}

/** Durations that are counted, and no more: a tenth of what a histogram takes. */
export class DurationCounter {
  readonly #coarse = new Float64Array(COARSE_BOUNDS.length + 1);
  #sumMs = 0;

  record(ms: number): void {
    const coarse = COARSE_OF_FINE[bucketOf(ms)] ?? 0;
    this.#coarse[coarse] = (this.#coarse[coarse] ?? 0) + 1;
    this.#sumMs += ms;
  }

  sinceStart(): DurationCounts {
    return { counts: [...this.#coarse], sum: this.#sumMs / 1000 };
  }
}

export class DurationHistogram {
  readonly #now: () => number;
  readonly #coarse = new Float64Array(COARSE_BOUNDS.length + 1);
  #sumMs = 0;
  #current = new Uint32Array(FINE_BOUNDS.length);
  #previous = new Uint32Array(FINE_BOUNDS.length);
  #windowStart: number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#windowStart = now();
  }

  record(ms: number): void {
    this.#turn();
    const bucket = bucketOf(ms);
    this.#current[bucket] = (this.#current[bucket] ?? 0) + 1;
    const coarse = COARSE_OF_FINE[bucket] ?? 0;
    this.#coarse[coarse] = (this.#coarse[coarse] ?? 0) + 1;
    this.#sumMs += ms;
  }

  /** The duration that `fraction` of the latest ones do not exceed, in milliseconds; 0 when there are none. */
  percentile(fraction: number): number {
    this.#turn();
    let total = 0;
    for (let bucket = 0; bucket < FINE_BOUNDS.length; bucket++) total += this.#countAt(bucket);
    const wanted = Math.max(1, Math.ceil(total * fraction));
    let seen = 0;
    for (let bucket = 0; bucket < FINE_BOUNDS.length; bucket++) {
      seen += this.#countAt(bucket);
      if (seen >= wanted) return Number((FINE_BOUNDS[bucket] ?? 0).toPrecision(3));
    }
    return 0;
  }

  percentiles(): Percentiles {
    return { p50: this.percentile(0.5), p95: this.percentile(0.95), p99: this.percentile(0.99) };
  }

  sinceStart(): DurationCounts {
    return { counts: [...this.#coarse], sum: this.#sumMs / 1000 };
  }

  #countAt(bucket: number): number {
    return (this.#current[bucket] ?? 0) + (this.#previous[bucket] ?? 0);
  }

  #turn(): void {
    const elapsed = this.#now() - this.#windowStart;
    if (elapsed < WINDOW_MS) return;
    const isStale = elapsed >= 2 * WINDOW_MS;
    [this.#current, this.#previous] = [
      this.#previous.fill(0),
      isStale ? this.#current.fill(0) : this.#current,
    ];
    this.#windowStart += Math.floor(elapsed / WINDOW_MS) * WINDOW_MS;
  }
}

/** The two together. @param parts of which at least one is there. */
export function addedCounts(parts: readonly DurationCounts[]): DurationCounts {
  const counts = new Array<number>(COARSE_BOUNDS.length + 1).fill(0);
  let sum = 0;
  for (const part of parts) {
    for (const [at, count] of part.counts.entries()) counts[at] = (counts[at] ?? 0) + count;
    sum += part.sum;
  }
  return { counts, sum };
}

function stepBound(step: number): number {
  return SMALLEST_MS * Math.exp(GROWTH * step);
}

function fineBounds(): readonly number[] {
  const steps = Array.from({ length: STEPS }, (_, step) => stepBound(step));
  return [...new Set([...steps, ...COARSE_BOUNDS.map((seconds) => seconds * 1000)])].sort((a, b) => a - b);
}

function firstAtLeast(bounds: readonly number[], value: number): number {
  const found = bounds.findIndex((bound) => bound >= value);
  return found < 0 ? bounds.length : found;
}

function bucketOf(ms: number): number {
  const step = ms <= SMALLEST_MS ? 0 : Math.ceil(Math.log(ms / SMALLEST_MS) / GROWTH);
  const last = FINE_BOUNDS.length - 1;
  let bucket = step >= STEPS ? last : (FIRST_OF_STEP[step] ?? last);
  while (bucket < last && (FINE_BOUNDS[bucket] ?? 0) < ms) bucket++;
  return bucket;
}
