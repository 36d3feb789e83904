/**
 * Keeps what a tool starts in sight: Node lists what keeps an event loop alive, and leaves out what was told not to
 * (`unref`). A thread of ours lives until it is ended, whatever runs on it, so nobody misses what `unref` does.
 *
 * S1. Timers, servers, watchers and child processes stay listed whatever a tool says.
 * S2. Where code of Node's own says it (for the timers of `fetch`, of `AbortSignal.timeout`, of an HTTP server) it
 *     holds; and so it does for connections, which are kept for the next request and are quiet until then.
 */
import { apply, getOwnPropertyDescriptor, getPrototypeOf, hasOwn } from '../intrinsics/captured.ts';
import { replaceMethod } from '../intrinsics/replace-method.ts';
import { isAskedByNode } from './asked-by-node.ts';

/** In place before any tool loads. */
export function keepInSight(): void {
  const timeout = setTimeout(() => undefined, 0);
  const immediate = setImmediate(() => undefined);
  clearTimeout(timeout);
  clearImmediate(immediate);
  for (const timer of [timeout, immediate]) {
    const owner = getPrototypeOf(timer) as object;
    const unref = methodOf(owner);
    const method = {
      unref(this: object) {
        return isAskedByNode(method.unref) ? apply(unref, this, []) : this;
      },
    };
    replaceMethod(owner, 'unref', method);
  }
  const handles = prototypeOfHandles();
  if (handles === null) return;
  const unref = methodOf(handles);
  replaceMethod(handles, 'unref', {
    unref(this: Handle) {
      if (isConnection(this)) apply(unref, this, []);
    },
  });
}

type Method = (this: unknown) => unknown;

const methodOf = (owner: object): Method => getOwnPropertyDescriptor(owner, 'unref')?.value as Method;

/** What Node wraps around a handle of libuv: a server, a socket, a process, a watcher. */
interface Handle {
  /** Of sockets and pipes: a function where they listen. */
  readonly onconnection?: unknown;
  readonly isStreamBase?: boolean;
}

const isConnection = (handle: Handle): boolean =>
  handle.isStreamBase === true && typeof handle.onconnection !== 'function';

/** Of all handles; null where Node does not give it away (`--permission`), and what is told not to count does not. */
function prototypeOfHandles(): object | null {
  try {
    const { binding } = process as unknown as { binding(name: string): { TCP: { prototype: object } } };
    let owner: object | null = apply(binding, process, ['tcp_wrap']).TCP.prototype;
    while (owner !== null && !hasOwn(owner, 'unref')) owner = getPrototypeOf(owner);
    return owner;
  } catch {
    return null;
  }
}
