/**
 * The flags of Node that threads run with, where they are others than the process's own.
 *
 * Node 22 has the `AsyncLocalStorage` of later versions behind a flag; the other one takes half of a streaming
 * thread's time. A list of flags replaces those that threads inherit, so a process with flags of its own keeps them.
 */
const CONTEXT_FRAME = '--experimental-async-context-frame';

type Host = Pick<NodeJS.Process, 'allowedNodeEnvironmentFlags' | 'env' | 'execArgv' | 'versions'>;

/** @returns the option of a thread, or none where it is to inherit. */
export function threadFlags(host: Host = process): { readonly execArgv?: string[] } {
  const hasOwn = host.execArgv.length > 0 || Boolean(host.env['NODE_OPTIONS']);
  if (hasOwn || !host.versions.node.startsWith('22.')) return {};
  return host.allowedNodeEnvironmentFlags.has(CONTEXT_FRAME) ? { execArgv: [CONTEXT_FRAME] } : {};
}
