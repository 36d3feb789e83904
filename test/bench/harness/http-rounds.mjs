/** Shared by the workloads that are one request sent on many connections: the answer is checked once, then load. */
import { loadHttp } from './http-load.mjs';
import { checkOnce } from './requests.mjs';

/**
 * @param options {id?, label?, beside?, connections, warmUpSeconds?, before?(contestant),
 *        after?(contestant, figures) → more figures}
 * @returns an entry for `runRounds`
 */
export const httpEntry = (
  spec,
  request,
  plan,
  { connections, warmUpSeconds = plan.warmUpSeconds, before, after, ...more },
) => ({
  spec,
  ...more,
  prepare: async (contestant) => {
    await before?.(contestant);
    await checkOnce(contestant, request);
  },
  measure: async (contestant, _state, isWarmUp) => {
    const figures = await loadHttp(contestant, request, {
      connections,
      seconds: isWarmUp ? warmUpSeconds : plan.seconds,
    });
    return { ...figures, ...after?.(contestant, figures) };
  },
});
