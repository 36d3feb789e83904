/**
 * `FinalizationRegistry` on a thread of ours: what a call has asked to be told of the garbage collector is told as long as
 * its caller has the thread. V8 calls such code whenever it collects, in the middle of anybody's call, and ECMAScript
 * promises nobody that it does.
 *
 * R1. What modules make while they load, and what Node makes for itself, is always told.
 */
import { apply, defineProperty } from '../intrinsics/captured.ts';
import { isAskedByNode } from './asked-by-node.ts';

const { construct } = Reflect;
const Native = FinalizationRegistry;

/** Whose time it is: 0 while modules load, and from then on one more with each caller after another. */
let turn = 0;

/** In place before any tool loads. */
export function boundFinalizers(): void {
  function Bounded(this: unknown, cleanup: unknown): object {
    const made = turn;
    const isLasting = made === 0 || typeof cleanup !== 'function' || isAskedByNode(Bounded);
    const bounded = isLasting
      ? cleanup
      : (held: unknown) => {
          if (made === turn) apply(cleanup, undefined, [held]);
        };
    return construct(Native, [bounded], new.target ?? Native) as object;
  }
  const { prototype } = Native;
  defineProperty(Bounded, 'name', { value: 'FinalizationRegistry', configurable: true });
  defineProperty(Bounded, 'prototype', { value: prototype, writable: false });
  defineProperty(prototype, 'constructor', { value: Bounded, writable: true, configurable: true });
  defineProperty(globalThis, 'FinalizationRegistry', {
    value: Bounded,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}

/** The thread passes to another caller, or to its first. */
export function nextTurn(): void {
  turn++;
}
