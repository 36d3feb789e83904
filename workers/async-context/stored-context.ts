/**
 * The context of calls by AsyncLocalStorage, for a Node where that costs next to nothing: it travels with each promise
 * and callback by itself, so nothing needs a mark and nobody needs to sprint.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { CallContext } from './call-context.ts';

export function storedContext<Owner extends object>(): CallContext<Owner> {
  const storage = withOwnMethods(new AsyncLocalStorage<Owner>());
  return {
    run: (owner, work) => storage.run(owner, work),
    enter: (owner, work) => storage.run(owner, work),
    runApart: (work) => storage.exit(work),
    owner: () => storage.getStore(),
    turnBegins: () => {},
    sprint: () => undefined,
  };
}

/** Copies the methods of an object's class to the object: those of the class are a tool's to replace. */
function withOwnMethods<T extends object>(object: T): T {
  const { prototype } = object.constructor;
  for (const key of Reflect.ownKeys(prototype)) {
    const method = Reflect.getOwnPropertyDescriptor(prototype, key);
    if (key !== 'constructor' && method) Reflect.defineProperty(object, key, method);
  }
  return object;
}
