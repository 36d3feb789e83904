/** What two JSON values have in common if they say the same: a short text, whatever the order of their keys. */
import { createHash } from 'node:crypto';

/** @param value JSON, no deeper than a stack bears. */
export const fingerprint = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(value, withSortedKeys) ?? '')
    .digest('base64');

function withSortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries);
}
