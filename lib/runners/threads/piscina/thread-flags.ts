/**
 * The flags of Node that threads run with, where they are others than the process's own.
 *
 * G1. Node 22 has the `AsyncLocalStorage` of later versions behind a flag; the other one takes half of a streaming
 *     thread's time. A list of flags replaces those that threads inherit, so a process with flags of its own keeps them.
 * G2. What the process preloads stays there (environment/preloads.ts). Of its other flags Node refuses some in a list,
 *     as those of V8, which hold for all threads anyway: what it refuses is left out.
 */
import { Worker } from 'node:worker_threads';
import { withoutPreloads } from '../environment/preloads.ts';

const CONTEXT_FRAME = '--experimental-async-context-frame';

type Host = Pick<NodeJS.Process, 'allowedNodeEnvironmentFlags' | 'env' | 'execArgv' | 'versions'>;

/** @returns the option of a thread, or none where it is to inherit. */
export function threadFlags(host: Host = process): { readonly execArgv?: string[] } {
  const kept = withoutPreloads(host.execArgv);
  const isLeft = (kept ?? host.execArgv).length > 0 || Boolean(host.env['NODE_OPTIONS']);
  const wantsFrame =
    !isLeft && host.versions.node.startsWith('22.') && host.allowedNodeEnvironmentFlags.has(CONTEXT_FRAME);
  if (wantsFrame) return { execArgv: [CONTEXT_FRAME] };
  return kept ? { execArgv: kept.filter(isTaken).flat() as string[] } : {};
}

/** Whether a thread may be started with a flag: Node tells when one is made, and not before. */
function isTaken(flag: readonly (string | undefined)[]): boolean {
  try {
    const thread = new Worker('', { eval: true, env: {}, execArgv: flag as string[] });
    thread.on('error', () => {}); // what it preloads, it would fail by in the pool too, with a reason there
    void thread.terminate();
    return true;
  } catch {
    return false;
  }
}
