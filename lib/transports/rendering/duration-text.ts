/** Durations as JSON has them. */

/** What stands behind the milliseconds, by the microseconds. */
const FRACTIONS = Array.from({ length: 1000 }, (_, us) => String(us / 1000).slice(1));

/**
 * A duration of whole microseconds as text. Put together from two integers: V8 looks for the shortest digits of a number
 * with a fraction, which takes it 1 % of an echo's time on the main thread.
 * What only a runner of the user's can give, less than nothing or no number, is as JSON has it.
 */
export function durationText(ms: number): string {
  if (!(ms >= 0 && ms < Infinity)) return JSON.stringify(ms);
  const us = Math.round(ms * 1000);
  const whole = Math.floor(us / 1000);
  return `${whole}${FRACTIONS[us - whole * 1000]}`;
}
