/**
 * Whose call the running code belongs to, so that an error that escapes, or a printed line, finds its call.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { hookedContext } from './hooked-context.ts';

export interface CallContext<Owner extends object> {
  /** Begins a call: `work`, and whatever it starts, belongs to `owner`. */
  run<T>(owner: Owner, work: () => T): T;
  /** Runs `work` for a call that has begun; it, and whatever it starts, belongs to `owner` too. */
  enter<T>(owner: Owner, work: () => T): T;
  /** Runs `work`; it, and whatever it starts, belongs to no call. */
  runApart<T>(work: () => T): T;
  /** @param promise whose maker is asked for, where it is about one and not about what runs now. */
  owner(promise?: object): Owner | undefined;
  /**
   * Says that `owner`, alone on its thread, yields again and again. @returns what its loop has to wait for, where
   * the context can be kept in a cheaper way for a while.
   */
  hasten(owner: Owner): Promise<void> | undefined;
}

/** Whether `AsyncLocalStorage` costs next to nothing: from Node 24 on, and by flag in 22. */
function hasContextFrame({ versions, execArgv }: Pick<NodeJS.Process, 'versions' | 'execArgv'>): boolean {
  if (Number.parseInt(versions.node, 10) >= 24) return !execArgv.includes('--no-async-context-frame');
  return execArgv.includes('--experimental-async-context-frame');
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

export function createCallContext<Owner extends object>(): CallContext<Owner> {
  return hasContextFrame(process) ? storedContext() : hookedContext();
}

function storedContext<Owner extends object>(): CallContext<Owner> {
  const storage = withOwnMethods(new AsyncLocalStorage<Owner>());
  return {
    run: (owner, work) => storage.run(owner, work),
    enter: (owner, work) => storage.run(owner, work),
    runApart: (work) => storage.exit(work),
    owner: () => storage.getStore(),
    hasten: () => undefined,
  };
}
