/**
 * UUID version 7 (RFC 9562): unique without asking anybody, and sorted by the time they were made.
 *
 * U1. Within a thread each is greater than the one before: 12 bits count up within a millisecond, and when they run
 *     out, or the clock steps back, the time is counted on by one.
 */
import { randomBytes } from 'node:crypto';

let lastMs = 0;
let counter = 0;

export function uuidV7(nowMs = Date.now()): string {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    // Starts low, so that most of the range is left for this millisecond.
    counter = randomBytes(1).readUInt8();
  } else if (++counter > 0xfff) {
    lastMs++;
    counter = 0;
  }
  const random = randomBytes(8);
  random.writeUInt8((random.readUInt8(0) & 0x3f) | 0x80, 0);
  const time = lastMs.toString(16).padStart(12, '0');
  const tail = random.toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}
