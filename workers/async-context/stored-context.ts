/**
 * The context of calls by AsyncLocalStorage, for a Node where that costs next to nothing: it travels with each promise
 * and callback by itself, so nothing needs a mark and nobody needs to sprint.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallContext } from './call-context.ts';

export function storedContext<Owner extends object>(): CallContext<Owner> {
  const storage = new AsyncLocalStorage<Owner>();
  return {
    run: (owner, work) => storage.run(owner, work),
    enter: (owner, work) => storage.run(owner, work),
    runApart: (work) => storage.exit(work),
    owner: () => storage.getStore(),
    sprint: () => undefined,
  };
}
