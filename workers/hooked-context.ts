/**
 * The context of calls by async hooks, for a Node whose AsyncLocalStorage is made of them too (20; 22 without its
 * flag). They see each of the four promises that a `yield` makes, which costs a thread more than half as much again as
 * all else it does for a small chunk.
 *
 * H1. Whatever code of a call makes (a promise, a timer, a handle, a request) is marked with the call.
 * H2. A call that is alone on its thread and yields in a loop may sprint: until the microtasks at hand are done, V8's
 *     own hooks mark promises at a fourth of the cost. Only microtasks run in that time, and promises bring them.
 * H3. What is no promise stays unmarked in a sprint. So a call may sprint only while tools have made nothing of that
 *     kind since it began. Async ids, which count everything made, tell afterwards if it did in the sprint: then
 *     nobody sprints on this thread again, and what has no mark is known to be of that call.
 * H4. If code of an earlier call ran in such a sprint too, what has no mark is nobody's: no call ends for another's error.
 */
import { AsyncResource, createHook, executionAsyncResource } from 'node:async_hooks';
import { promiseHooks } from 'node:v8';
import type { CallContext } from './call-context.ts';
import { timersMade } from './own-timers.ts';

/** Ids are given in order, to all that is made but to promises without hooks. */
const nextId = (): number => new AsyncResource('IdOfNow').asyncId();

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
  }).enable();

  /** Made under the hook, and so with an id. */
  const settled = Promise.resolve();

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
  };

  let isSpoilt = false;
  /** Whose all that has no mark is. */
  let spoiler: Owner | undefined;

  /** Begins with the next microtask, and lasts until no more are left. */
  function sprint(owner: Owner): Promise<void> {
    sprinter = owner;
    current = owner;
    isMixed = false;
    const stop = promiseHooks.createHook(sprintHooks);
    hook.disable(); // for promises from the next microtask on: until then they take ids
    const before = { id: nextId(), timers: timersMade() };
    promises = 0;
    return settled.then(() => {
      const idsOfPromises = promises;
      process.nextTick(() => {
        const timers = timersMade() - before.timers;
        finish(stop, timers, nextId() - before.id - idsOfPromises - timers - 2);
      });
    });
  }

  /** @param others how much has been made that is neither a promise nor one of the `timers` of our own. */
  function finish(stop: ReturnType<typeof promiseHooks.createHook>, timers: number, others: number): void {
    hook.enable();
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
      const resource = running();
      const outer = resource[mark];
      resource[mark] = owner;
      try {
        return work();
      } finally {
        resource[mark] = outer;
      }
    },
    owner(promise) {
      const marked = (promise as Marked | undefined)?.[mark] ?? current ?? running()[mark];
      if (marked !== undefined) return marked;
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
