/** The id of a request: the client's own where it is harmless, else ours. */

const bootId = Math.random().toString(36).slice(2, 8);
let count = 0;

/** @param offered the X-Request-Id header; taken when it is 1–128 visible ASCII characters. */
export function requestIdFor(offered: string | string[] | undefined): string {
  if (typeof offered === 'string' && /^[\x21-\x7e]{1,128}$/.test(offered)) return offered;
  return `${bootId}-${(++count).toString(36)}`;
}
