/**
 * What keeps tasks bounded over all sessions: how many there are, and how much of their results is kept.
 *
 * Q1. Beyond the number of tasks, of a key or in all, the next one is refused.
 * Q2. Beyond the bytes of a key, the results that ended first are forgotten, never the one that ended last.
 */
import { ToolError } from '../../../call/tool-error.ts';
import { refusalFault } from '../fault.ts';

const MAX_TASKS = 1024;
const MAX_TASKS_PER_KEY = 128;
const MAX_KEPT_BYTES_PER_KEY = 64 * 1024 * 1024;

interface Share {
  tasks: number;
  keptBytes: number;
  /** Ended tasks by id, in the order in which they ended. */
  readonly ended: Map<string, { readonly bytes: number; readonly forget: () => void }>;
}

export class TaskQuota {
  readonly #shares = new Map<string, Share>();
  readonly #maxKeptBytes: number;
  #tasks = 0;

  constructor(maxKeptBytes = MAX_KEPT_BYTES_PER_KEY) {
    this.#maxKeptBytes = maxKeptBytes;
  }

  get size(): number {
    return this.#tasks;
  }

  /** Counts one more task. @throws {McpFault} when there are too many. */
  take(keyId: string): void {
    const share = this.#shares.get(keyId) ?? { tasks: 0, keptBytes: 0, ended: new Map() };
    if (this.#tasks >= MAX_TASKS || share.tasks >= MAX_TASKS_PER_KEY) {
      const reason = 'too many tasks are kept; wait until some are over, or ask for a shorter ttl';
      throw refusalFault(new ToolError('overloaded', reason, { retryAfterMs: 1000 }));
    }
    share.tasks++;
    this.#tasks++;
    this.#shares.set(keyId, share);
  }

  /** Counts the result of a task that ended. @param forget removes the task, `release` included. */
  keep(keyId: string, taskId: string, bytes: number, forget: () => void): void {
    const share = this.#shares.get(keyId);
    if (!share) return;
    share.ended.set(taskId, { bytes, forget });
    share.keptBytes += bytes;
    for (const [id, oldest] of share.ended) {
      if (share.keptBytes <= this.#maxKeptBytes || id === taskId) return;
      oldest.forget();
    }
  }

  /** Counts a task no more. */
  release(keyId: string, taskId: string): void {
    const share = this.#shares.get(keyId);
    if (!share) return;
    share.keptBytes -= share.ended.get(taskId)?.bytes ?? 0;
    share.ended.delete(taskId);
    this.#tasks--;
    if (--share.tasks === 0) this.#shares.delete(keyId);
  }
}
