/**
 * What `Intl.Segmenter` makes of a text, and its iterator: built-ins that no property leads to. To make one only to find them
 * takes a thread some 0.7 MiB of ICU's data, most of which stays torn to pieces; so they are found when a tool has the first
 * made, before it has it in hand.
 *
 * G1. Where that fails, as at the end of the stack, the thread is no more than one that has been changed.
 */
import { apply, getOwnPropertyDescriptor, getPrototypeOf } from './captured.ts';
import type { Root } from './realm.ts';
import { replaceMethod } from './replace-method.ts';

const iterator: typeof Symbol.iterator = Symbol.iterator;

let roots: readonly Root[] | null = null;
let tell: (roots: readonly Root[]) => void = () => undefined;
let isMissed = false;

/** In place before any tool loads. */
export function noteSegments(): void {
  const { prototype } = Intl.Segmenter;
  const { segment } = prototype;
  replaceMethod(prototype, 'segment', {
    segment(this: Intl.Segmenter, text: unknown) {
      const segments = apply(segment, this, [text]) as Intl.Segments;
      if (roots === null) found(segments);
      return segments;
    },
  });
}

function found(segments: Intl.Segments): void {
  const made = getPrototypeOf(segments) as object;
  const iterate = getOwnPropertyDescriptor(made, iterator)?.value as () => object;
  isMissed = true;
  roots = [
    { path: 'Segments.prototype', object: made },
    { path: 'SegmentIterator.prototype', object: getPrototypeOf(apply(iterate, segments, [])) as object },
  ];
  tell(roots);
  isMissed = false;
}

/** Whether a tool may have them in hand though nobody could be told (G1). */
export const areSegmentsMissed = (): boolean => isMissed;

/** @param listener is told of them once, now or in the middle of the call that has the first made. */
export function whenSegmented(listener: (roots: readonly Root[]) => void): void {
  if (roots === null) tell = listener;
  else listener(roots);
}
