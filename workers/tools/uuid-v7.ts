/**
 * UUID version 7 (RFC 9562): unique without asking anybody, and sorted by the time they were made.
 *
 * U1. Within a thread each is greater than the one before: 12 bits count up within a millisecond, and when they run
 *     out, or the clock steps back, the time is counted on by one.
 */
import { randomUUID } from 'node:crypto';

let lastMs = 0;
let counter = 0;

export function uuidV7(nowMs = Date.now()): string {
  // Version 4 keeps its random bits where version 7 has them, and Node.js makes it ten times as fast as `randomBytes`.
  const random = randomUUID();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    // Starts low, so that most of the range is left for this millisecond.
    counter = Number.parseInt(random.slice(0, 2), 16);
  } else if (++counter > 0xfff) {
    lastMs++;
    counter = 0;
  }
  const time = lastMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${random.slice(19)}`;
}
