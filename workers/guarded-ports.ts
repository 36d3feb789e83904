/**
 * Keeps a thread's ports to the gateway out of a tool's reach: Piscina trusts every message on its port, so one
 * stray `postMessage(null)` there would end the gateway itself.
 *
 * Covers the ways by which a tool meets a port that it did not make: the list of active handles, and a
 * `MessagePort.prototype` changed to tell who posts.
 */
import { MessagePort } from 'node:worker_threads';

type Handles = { _getActiveHandles?: () => unknown[] };

export function guardPorts(): void {
  Object.freeze(MessagePort.prototype);
  const host = process as unknown as Handles;
  const all = host._getActiveHandles?.bind(process);
  if (all) host._getActiveHandles = () => all().filter((handle) => !(handle instanceof MessagePort));
}
