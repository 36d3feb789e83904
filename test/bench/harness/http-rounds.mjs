/** Shared by the workloads that are one request sent on many connections: the answer is checked once, then load. */
import { loadHttp } from './http-load.mjs';
import { checkOnce } from './requests.mjs';

/**
 * @param request the request, or (contestant) → the one for it, where it needs a session
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
    const made = typeof request === 'function' ? await request(contestant) : request;
    await checkOnce(contestant, made);
    return made;
  },
  measure: async (contestant, made, isWarmUp) => {
    const figures = await loadHttp(contestant, made, {
      connections,
      seconds: isWarmUp ? warmUpSeconds : plan.seconds,
    });
    return { ...figures, ...after?.(contestant, figures) };
  },
});
