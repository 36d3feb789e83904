/**
 * Percentiles of durations in a fixed amount of memory.
 *
 * H1. Recording allocates nothing: a bucket's count goes up by one.
 * H2. Buckets grow by 5 %, so a percentile is at most 5 % above the truth.
 * H3. Two windows take turns: percentiles tell of the last five to ten minutes, not of all time.
 */
const GROWTH = Math.log(1.05);
const SMALLEST_MS = 0.01;
/** Reaches 24 hours. */
const BUCKETS = 470;
const WINDOW_MS = 5 * 60_000;

export class LatencyHistogram {
  readonly #now: () => number;
  #current = new Uint32Array(BUCKETS);
  #previous = new Uint32Array(BUCKETS);
  #windowStart: number;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#windowStart = now();
  }

  record(ms: number): void {
    this.#turn();
    const bucket = ms <= SMALLEST_MS ? 0 : Math.ceil(Math.log(ms / SMALLEST_MS) / GROWTH);
    const index = Math.min(bucket, BUCKETS - 1);
    this.#current[index] = (this.#current[index] ?? 0) + 1;
  }

  /** The duration that `fraction` of the recorded ones do not exceed, in milliseconds; 0 when there are none. */
  percentile(fraction: number): number {
    this.#turn();
    let total = 0;
    for (let index = 0; index < BUCKETS; index += 1) total += this.#countAt(index);
    const wanted = Math.max(1, Math.ceil(total * fraction));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index += 1) {
      seen += this.#countAt(index);
      if (seen >= wanted) return upperBound(index);
    }
    return 0;
  }

  #countAt(index: number): number {
    return (this.#current[index] ?? 0) + (this.#previous[index] ?? 0);
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

function upperBound(index: number): number {
  return Number((SMALLEST_MS * Math.exp(GROWTH * index)).toPrecision(3));
}
