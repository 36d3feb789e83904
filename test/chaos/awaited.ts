/**
 * Kinds of faults that the gateway does not bear yet, each with the reason. The short run of `npm test` leaves them
 * out; `npm run chaos` never does. A kind leaves this list with the fix that it waits for.
 */
export const AWAITED: Readonly<Record<string, string>> = {};
