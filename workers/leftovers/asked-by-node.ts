/** Tells code of Node's own from a tool's, where both call the same built-in. By a stack: not for what happens often. */
import { captureStackTrace, indexOf, NativeError } from '../intrinsics/captured.ts';

/** Whether the caller of `method`, which is being called, is code of Node's own. */
export function isAskedByNode(method: (...args: never[]) => unknown): boolean {
  try {
    const { stackTraceLimit } = NativeError;
    const holder = { stack: '' };
    NativeError.stackTraceLimit = 1;
    captureStackTrace(holder, method);
    const { stack } = holder;
    NativeError.stackTraceLimit = stackTraceLimit;
    return indexOf(stack, '(node:') >= 0 || indexOf(stack, 'at node:') >= 0;
  } catch {
    // A tool has put something in the place of what stacks are made with.
    return false;
  }
}
