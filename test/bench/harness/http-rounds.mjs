/** Shared by the workloads that are one request sent on many connections: the answer is checked once, then load. */
import { loadHttp } from './http-load.mjs';
import { checkOnce } from './requests.mjs';

/**
 * @param options {id?, label?, beside?, connections, after?(contestant, figures) → more figures}
 * @returns an entry for `runRounds`
 */
export const httpEntry = (spec, request, plan, { connections, after, ...more }) => ({
  spec,
  ...more,
  prepare: (contestant) => checkOnce(contestant, request),
  measure: async (contestant, _state, isWarmUp) => {
    const figures = await loadHttp(contestant, request, {
      connections,
      seconds: isWarmUp ? plan.warmUpSeconds : plan.seconds,
    });
    return { ...figures, ...after?.(contestant, figures) };
  },
});
