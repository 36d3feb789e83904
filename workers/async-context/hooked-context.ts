/**
 * The context of calls by async hooks, for a Node whose AsyncLocalStorage is made of them too (20; 22 without its
 * flag). They see each of the four promises that a `yield` makes, which costs a thread more than half as much again as
 * all else it does for a small chunk.
 *
 * H1. Whatever code of a call makes (a promise, a timer, a handle, a request) is marked with the call; what modules make
 *     when they load, and the thread's own machinery, as nobody's. So outside of sprints everything has a mark.
 * H2. A call that is alone on its thread and yields in a loop may sprint: until the microtasks at hand are done, V8's
 *     own hooks mark promises at a fourth of the cost. Nothing but microtasks runs in that time.
 * H3. What is no promise stays unmarked in a sprint. So a call may sprint only while tools have made nothing of that
 *     kind since it began. Async ids, which count everything made, tell afterwards if it did in the sprint: then
 *     nobody sprints on this thread again, and what has no mark is known to be of that call.
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
    resource[mark] = owner;
    try {
      return work();
    } finally {
      resource[mark] = outer;
    }
  }

  let latest: { readonly owner: Owner; readonly madeBefore: number } | undefined;

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
  function sprint(owner: Owner): Promise<void> {
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
    run(owner, work) {
      latest = { owner, madeBefore: madeByTools() };
      return runAs(owner, work);
    },
    enter: runAs,
    runApart: (work) => runAs(nobody, work),
    owner(promise) {
      const marked = (promise as Marked | undefined)?.[mark] ?? current ?? running()[mark];
      if (marked !== undefined) return marked === nobody ? undefined : marked;
      if (sprinter === undefined) return spoiler;
      return isMixed ? undefined : sprinter;
    },
    hasten(owner) {
      const mayNot = isSpoilt || sprinter !== undefined || running()[mark] !== owner;
      if (mayNot || latest?.owner !== owner || latest.madeBefore !== madeByTools()) return undefined;
      return sprint(owner);
    },
  };
}
