/** Which of the two contexts the thread's Node is better off with. */
import type { CallContext } from './call-context.ts';
import { hookedContext } from './hooked-context.ts';
import { storedContext } from './stored-context.ts';

/** Whether `AsyncLocalStorage` costs next to nothing: from Node 24 on, and by flag in 22. */
function hasContextFrame({ versions, execArgv }: Pick<NodeJS.Process, 'versions' | 'execArgv'>): boolean {
  if (Number.parseInt(versions.node, 10) >= 24) return !execArgv.includes('--no-async-context-frame');
  return execArgv.includes('--experimental-async-context-frame');
}

export function createCallContext<Owner extends object>(): CallContext<Owner> {
  return hasContextFrame(process) ? storedContext() : hookedContext();
}
