export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians per field of measurements like {perSecond, p50Ms}. */
export function medians(measurements) {
  const result = {};
  for (const key of Object.keys(measurements[0] ?? {}))
    result[key] = median(measurements.map((one) => one[key]));
  return result;
}
