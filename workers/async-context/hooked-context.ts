/**
 * The context of calls by async hooks, for a Node whose AsyncLocalStorage is made of them too (20; 22 without its
 * flag).
 *
 * What it does. Whatever code of a call makes (a promise, a timer, a handle, a request) gets a mark: whose it is. Node
 * tells a hook of each thing that is made, and of what runs; so code that a promise or timer of a call runs is that
 * call's, and what it makes is marked likewise. When an error escapes, the mark says whom to end for it.
 *
 * What it costs. The hooks see each of the four promises that a `yield` makes, which costs a thread more than half as
 * much again as all else it does for a small chunk. A tool that only yields pays for marks that all say the same.
 *
 * The sprint. Such a tool is let run ahead with cheaper hooks, V8's own, which see promises alone and mark them at a
 * fourth of the cost:
 *
 *   1. Pace counts yields without a rest, and asks for a sprint at the sixteenth.
 *   2. It is granted where the call is the one that runs, no other is expected to go on in this turn of the event loop
 *      (it is alone on its thread, or has its turn), and tools have made nothing but promises in this turn; so there are
 *      no ticks of theirs whose callbacks would run before the sprint is over.
 *   3. From the next microtask on the async hooks are off and V8's on. The loop goes on in microtasks, yield after
 *      yield. Nothing else runs meanwhile: timers and I/O come with the event loop, which waits for microtasks.
 *   4. The sprint ends with the last microtask, when `nextTick` gets its turn: the hooks change back. That is at the
 *      latest when Pace lets the loop turn, after 5 ms.
 *   5. Then it is counted whether anything but promises was made: that got no mark. Ids are given to all that is made,
 *      in order, so the ids used, less those of our own timers and promises, are the things without one.
 *   6. If there are any, the thread is spoilt: nobody sprints there again, and what has no mark is known to be the
 *      sprinter's, or, where somebody else's microtask ran too (a promise of an earlier call settled), nobody's.
 *
 * H1. Outside of sprints everything has a mark: a call's, or nobody's, as what modules make when they load has, and what
 *     the thread's own machinery makes.
 * H2. Nothing but microtasks runs in a sprint.
 * H3. What is no promise stays unmarked in a sprint, and happens at most once on a thread.
 * H4. If code of anyone else ran in such a sprint too, what has no mark is nobody's: no call ends for another's error.
 */
import * as hooks from 'node:async_hooks';
import { promiseHooks } from 'node:v8';
import { chain, nextTick, ownMethod } from '../intrinsics/captured.ts';
import type { CallContext } from './call-context.ts';
import { timersMade } from './own-timers.ts';

const { AsyncResource, createHook, executionAsyncResource } = hooks;
const { createHook: createPromiseHook } = promiseHooks;
const idOf = ownMethod<(resource: hooks.AsyncResource) => number>(AsyncResource.prototype.asyncId);

/** Ids are given in order, to all that is made but to promises without hooks. */
const nextId = (): number => idOf(new AsyncResource('IdOfNow'));

export function hookedContext<Owner extends object>(): CallContext<Owner> {
  const mark = Symbol('owner');
  type Marked = { [mark]?: Owner | undefined };
  const running = () => executionAsyncResource() as Marked;

  let made = 0;
  /** How much that is no promise tools have made by now. */
  const madeByTools = () => made - timersMade();
  const hook = createHook({
    init(_id, type, _trigger, resource: Marked) {
      if (type !== 'PROMISE') made++;
      const owner = running()[mark];
      if (owner !== undefined) resource[mark] = owner;
    },
  });
  const enable = hook.enable.bind(hook);
  const disable = hook.disable.bind(hook);
  enable();

  /** Made under the hook, and so with an id. */
  const settled = Promise.resolve();

  /** The mark of what belongs to no call. */
  const nobody = {} as Owner;

  function runAs<T>(owner: Owner, work: () => T): T {
    const resource = running();
    const outer = resource[mark];
    const outerCurrent = current;
    resource[mark] = owner;
    if (sprinter !== undefined) {
      // It has read the port, and what has come is another's.
      current = owner;
      if (owner !== sprinter) isMixed = true;
    }
    try {
      return work();
    } finally {
      resource[mark] = outer;
      current = outerCurrent;
    }
  }

  /** How much tools had made when the turn began. */
  let madeBefore = 0;

  let sprinter: Owner | undefined;
  /** Whose microtask runs in the sprint. */
  let current: Owner | undefined;
  let isMixed = false;
  let promises = 0;
  const sprintHooks = {
    init(promise: Promise<unknown> & Marked) {
      promises++;
      promise[mark] = current;
    },
    before(promise: Promise<unknown> & Marked) {
      current = promise[mark];
      if (current !== sprinter) isMixed = true;
    },
    /** What `queueMicrotask` runs comes without `before`, and may be anybody's by now. */
    after() {
      if (isMixed) current = undefined;
    },
  };

  let isSpoilt = false;
  /** Whose all that has no mark is. */
  let spoiler: Owner | undefined;

  /** Begins with the next microtask, and lasts until no more are left. */
  function begin(owner: Owner): Promise<void> {
    sprinter = owner;
    current = owner;
    isMixed = false;
    const stop = createPromiseHook(sprintHooks);
    disable(); // for promises from the next microtask on: until then they take ids
    const before = { id: nextId(), timers: timersMade() };
    promises = 0;
    return chain(settled, () => {
      const idsOfPromises = promises;
      nextTick(() => {
        const timers = timersMade() - before.timers;
        // Two ids more: of this tick, and the one that is counted with.
        finish(stop, timers, nextId() - before.id - idsOfPromises - timers - 2);
      });
    });
  }

  /** @param others how much has been made that is neither a promise nor one of the `timers` of our own. */
  function finish(stop: ReturnType<typeof createPromiseHook>, timers: number, others: number): void {
    enable();
    stop();
    made += timers;
    if (others > 0) {
      isSpoilt = true;
      spoiler = isMixed ? undefined : sprinter;
    }
    sprinter = undefined;
    current = undefined;
  }

  return {
    run: runAs,
    enter: runAs,
    runApart: (work) => runAs(nobody, work),
    owner(promise) {
      const marked = (promise as Marked | undefined)?.[mark] ?? current ?? running()[mark];
      if (marked !== undefined) return marked === nobody ? undefined : marked;
      if (sprinter === undefined) return spoiler;
      return isMixed ? undefined : sprinter;
    },
    turnBegins() {
      madeBefore = madeByTools();
    },
    sprint(owner) {
      const mayNot = isSpoilt || sprinter !== undefined || running()[mark] !== owner;
      return mayNot || madeBefore !== madeByTools() ? undefined : begin(owner);
    },
  };
}
