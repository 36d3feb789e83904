/** Marks a call as begun where a gateway in another process can see it whatever becomes of this one. */
import { writeSync } from 'node:fs';
import type { BegunMark } from '../lib/runners/threads/port/frames.ts';

const write = writeSync;
const word = new Int32Array(1);
const BYTES = Int32Array.BYTES_PER_ELEMENT;

export function markBegun({ fd, place, call }: BegunMark): void {
  word[0] = call;
  write(fd, word, 0, BYTES, place * BYTES);
}
