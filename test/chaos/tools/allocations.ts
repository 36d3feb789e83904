/**
 * Tools that take memory: little by little, and so much at once that V8 has no time to say that the heap is full.
 *
 * A1. What was allocated is held for a while afterwards: a watch from outside must have a chance to see it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { atOnce, type Misbehaviour } from './misbehaviour.ts';

const MI = 1024 * 1024;

const holding = (allocate: () => unknown): Misbehaviour =>
  atOnce(async ({ nonce }) => {
    const held = allocate();
    await sleep(15_000);
    return { nonce, held: typeof held };
  });

export const ALLOCATIONS: Readonly<Record<string, Misbehaviour>> = {
  'hoard-objects': atOnce(() => {
    const hoard: unknown[] = [];
    for (;;) hoard.push({ text: `${Math.random()}`.repeat(10) });
  }),
  'hoard-slowly': atOnce(async () => {
    const hoard: unknown[] = [];
    for (;;) {
      for (let at = 0; at < 100_000; at++) hoard.push({ at, text: `${Math.random()}` });
      await sleep(1);
    }
  }),
  'one-array': holding(() => new Array(64 * MI).fill(0)),
  'many-arrays': holding(() => Array.from({ length: 64 }, () => new Array(4 * MI).fill(0))),
  'split-text': holding(() => 'x'.repeat(64 * MI).split('')),
  'parse-json': holding(() => JSON.parse(`[${'1,'.repeat(40 * MI)}1]`)),
  'one-map': holding(() => {
    const map = new Map<number, number>();
    for (let at = 0; at < 15_000_000; at++) map.set(at, at);
    return map;
  }),
  'return-buffer': atOnce(() => Buffer.alloc(64 * MI)),
};
