/**
 * Whether a figure that was sampled for a while rises: a line through the least values of short windows.
 *
 * T1. The least of each window, since memory goes up and down with the garbage collector, and what is lost shows at
 *     the bottom.
 */
export interface Sample {
  readonly atMs: number;
  readonly value: number;
}

export interface Trend {
  readonly first: number;
  readonly last: number;
  readonly least: number;
  readonly most: number;
  readonly perMinute: number;
  /** Standard error of `perMinute`. */
  readonly error: number;
}

export function trendOf(samples: readonly Sample[], windowMs: number): Trend {
  const values = samples.map(({ value }) => value);
  const bottoms = leastOfWindows(samples, windowMs);
  const { slope, error } = lineThrough(bottoms);
  return {
    first: values[0] ?? Number.NaN,
    last: values.at(-1) ?? Number.NaN,
    least: Math.min(...values),
    most: Math.max(...values),
    perMinute: slope * 60_000,
    error: error * 60_000,
  };
}

function leastOfWindows(samples: readonly Sample[], windowMs: number): Sample[] {
  const bottoms = new Map<number, Sample>();
  const start = samples[0]?.atMs ?? 0;
  for (const sample of samples) {
    const window = Math.floor((sample.atMs - start) / windowMs);
    const least = bottoms.get(window);
    if (!least || sample.value < least.value) bottoms.set(window, sample);
  }
  return [...bottoms.values()];
}

/** Least squares. */
function lineThrough(points: readonly Sample[]): { slope: number; error: number } {
  const n = points.length;
  if (n < 3) return { slope: 0, error: Number.POSITIVE_INFINITY };
  const mean = (of: (point: Sample) => number) => points.reduce((sum, point) => sum + of(point), 0) / n;
  const [x, y] = [mean(({ atMs }) => atMs), mean(({ value }) => value)];
  const spread = points.reduce((sum, { atMs }) => sum + (atMs - x) ** 2, 0);
  const slope = points.reduce((sum, { atMs, value }) => sum + (atMs - x) * (value - y), 0) / spread;
  const rest = points.reduce((sum, { atMs, value }) => sum + (value - y - slope * (atMs - x)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / (n - 2) / spread) };
}

/** Rises for certain, by more than what is borne. */
export const rises = ({ perMinute, error }: Trend, bound: number): boolean => perMinute - 2 * error > bound;
