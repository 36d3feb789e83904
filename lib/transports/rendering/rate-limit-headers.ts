/**
 * What is left of rate limits, as HTTP headers: draft-ietf-httpapi-ratelimit-headers, the form with one RateLimit and one
 * RateLimit-Policy, whose items are named quotas.
 */
import { type Quota, WINDOW_MS } from '../../dispatch/call-rates.ts';

const NONE: readonly string[] = [];
const POLICY_NAMES = { key: 'default', tool: 'tool' } as const;

/** Names and values in turn; none where no limit holds. */
export function rateLimitHeaders(quotas: readonly Quota[]): readonly string[] {
  if (quotas.length === 0) return NONE;
  const policies = quotas.map(
    ({ subject, calls }) => `"${POLICY_NAMES[subject]}";q=${calls};w=${WINDOW_MS / 1000}`,
  );
  const left = quotas.map(
    ({ subject, remaining, resetMs }) =>
      `"${POLICY_NAMES[subject]}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`,
  );
  return ['RateLimit-Policy', policies.join(', '), 'RateLimit', left.join(', ')];
}
