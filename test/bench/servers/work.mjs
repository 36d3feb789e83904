/**
 * The work every contestant does, so that only the way to it differs.
 */

/** Burns a fixed number of iterations of integer arithmetic; gives a number so that no compiler drops it. */
export function burn(iterations) {
  let state = 0x9e3779b9;
  for (let round = 0; round < iterations; round += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state;
}

/** One small chunk of the streaming workloads. */
export const smallChunk = (n) => ({ n, text: 'a small chunk' });

/** One chunk of the token streams. */
export const tokenChunk = (n) => ({ n, text: ' token' });

const MEBIBYTE_TEXT = 'x'.repeat(1024 * 1024);

/** One chunk of 1 MiB of text. */
export const bigChunk = (n) => ({ n, text: MEBIBYTE_TEXT });

export const sleep = (delayMs) => new Promise((wake) => setTimeout(wake, delayMs));

/** The numbers below `count`, one every `everyMs`: when a chunk of the token streams is due. */
export async function* paced({ count, everyMs }) {
  for (let index = 0; index < count; index += 1) {
    await sleep(everyMs);
    yield index;
  }
}

/** The address a server of ours is told to listen on. */
export const PORT = Number(process.env.PORT ?? 0);
