/**
 * Who has a call that waits on a thread for the one before it: the thread claims it when its turn comes, and the gateway
 * may take it back until then (frames F8). One word of shared memory for each place; whoever changes it first has the
 * call. Loaded by both sides, on threads before any tool: the methods are what they were then.
 */
const { compareExchange, load, store } = Atomics;

/** One word for each place of a thread. */
export type Claims = Int32Array<SharedArrayBuffer>;

/** On the thread, when the call's turn has come. @returns false where it has been taken back. */
export function claim(claims: Claims, place: number, call: number): boolean {
  const known = load(claims, place);
  return known !== ~call && compareExchange(claims, place, known, call) === known;
}

/** In the gateway. @returns false where the thread has claimed it. */
export function takeBack(claims: Claims, place: number, call: number): boolean {
  const known = load(claims, place);
  return known !== (call | 0) && compareExchange(claims, place, known, ~call) === known;
}

/** In the gateway, when neither side has a call at the place any more. */
export function vacate(claims: Claims, place: number): void {
  store(claims, place, 0);
}
