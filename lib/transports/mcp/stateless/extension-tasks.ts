/**
 * The tasks of the stateless era (extension io.modelcontextprotocol/tasks): made of calls, asked for with tasks/get,
 * answered with tasks/update, ended with tasks/cancel.
 *
 * X1. A task belongs to the key that made it: to everybody else it does not exist.
 * X2. A task is there before its handle is given away, and stays until its `ttlMs` is over, which is longer than its call
 *     can run. How many there may be, and how much of their results is kept, is the quota's.
 * X3. Only a request that declares the extension is served here, whatever requests before it declared.
 */
import type { ServedCall } from '../calls/served-call.ts';
import { INVALID_PARAMS, McpFault, missingExtensionFault } from '../fault.ts';
import { isObject, type McpRequest, notificationText, type Params, responseText } from '../message.ts';
import type { Outlet } from '../outlet.ts';
import type { McpService, RequestScope } from '../service.ts';
import type { TaskQuota } from '../sessions/task-quota.ts';
import { declaresTasks, TASKS_EXTENSION } from '../task-support.ts';
import { ExtensionTask } from './extension-task.ts';

/** How long a task is kept after the latest time at which its call can end. */
const KEPT_MS = 5 * 60_000;

const METHODS = new Set(['tasks/get', 'tasks/update', 'tasks/cancel']);

interface Kept {
  readonly task: ExtensionTask;
  readonly keyId: string;
  /** Told of changes. */
  readonly followers: Set<() => void>;
  expiry?: NodeJS.Timeout;
}

export class ExtensionTasks {
  readonly #service: McpService;
  readonly #quota: TaskQuota;
  readonly #tasks = new Map<string, Kept>();

  constructor(service: McpService) {
    this.#service = service;
    this.#quota = service.taskQuota;
  }

  /** Whether `handle` answers the method. */
  takes(method: string): boolean {
    return METHODS.has(method);
  }

  /** @throws {McpFault} for a task that is unknown, and for a client that does not declare the extension (X3). */
  handle({ id, method, params }: McpRequest, keyId: string, capabilities: Params, outlet: Outlet): void {
    requireTasks(capabilities);
    const { task } = this.#find(params['taskId'], keyId);
    const { statelessEra } = this.#service;
    if (method === 'tasks/get') return outlet.respond(responseText(id, statelessEra.result(task.members)));
    if (method === 'tasks/cancel') task.cancel();
    else {
      const given = params['inputResponses'];
      if (!isObject(given))
        throw new McpFault(INVALID_PARAMS, 'tasks/update needs "inputResponses", an object');
      task.answer(given);
    }
    outlet.respond(responseText(id, statelessEra.result('')));
  }

  /** Starts a call as a task. @throws {McpFault} when there are too many. */
  async start(request: McpRequest, scope: RequestScope, outlet: Outlet): Promise<void> {
    const { keyId } = scope.caller;
    const plan = this.#service.catalogOf(keyId).toolCall(request.params);
    const kept = this.#keep(keyId);
    const { task } = kept;
    const served = this.#service.start(request, plan, { ...scope, wishes: {}, asker: task.asker });
    outlet.named(served.call.callId, this.#service.rateHeadersOf(plan, scope));
    let isRefused = false;
    served.call.onEnd(() => {
      isRefused = true;
    });
    // What is refused before it runs (an unknown tool, a full queue) is told a microtask later, and makes no task.
    await undefined;
    if (isRefused) {
      this.#forget(task.id);
      await served.serve(request.id, outlet, {});
      return;
    }
    this.#handOut(request, kept, outlet);
    void this.#run(kept, served);
  }

  /** Makes a task of a call that runs. @returns what takes its questions from now on. @throws {McpFault} as `start`. */
  adopt(request: McpRequest, served: ServedCall, keyId: string, outlet: Outlet): ExtensionTask {
    const kept = this.#keep(keyId);
    this.#handOut(request, kept, outlet);
    void this.#run(kept, served);
    return kept.task;
  }

  /** Those of the ids that are tasks of this key. */
  known(ids: readonly unknown[], keyId: string): readonly string[] {
    return ids.filter((id): id is string => typeof id === 'string' && this.#tasks.get(id)?.keyId === keyId);
  }

  /**
   * Tells the state of tasks, now and whenever it changes.
   * @param tell is given the JSON members of a `notifications/tasks`. @returns what ends it.
   */
  follow(ids: readonly string[], tell: (members: string) => void): () => void {
    const ends = ids.flatMap((id) => {
      const kept = this.#tasks.get(id);
      if (!kept) return [];
      const follower = () => tell(kept.task.members);
      kept.followers.add(follower);
      follower();
      return [() => kept.followers.delete(follower)];
    });
    return () => {
      for (const end of ends) end();
    };
  }

  close(): void {
    for (const [id, { task }] of [...this.#tasks]) {
      task.drop();
      this.#forget(id);
    }
  }

  #keep(keyId: string): Kept {
    this.#quota.take(keyId);
    const followers = new Set<() => void>();
    const task = new ExtensionTask(this.#service.newHandle(), this.#service.callTimeoutMs + KEPT_MS, () => {
      for (const follower of [...followers]) follower();
    });
    const kept: Kept = { task, keyId, followers };
    this.#tasks.set(task.id, kept);
    return kept;
  }

  #handOut({ id }: McpRequest, { task }: Kept, outlet: Outlet): void {
    outlet.respond(responseText(id, `{"resultType":"task",${task.summary}}`));
  }

  /** Runs a task to its end. Never rejects: a defect fails the task. */
  async #run(kept: Kept, served: ServedCall): Promise<void> {
    const { task, keyId } = kept;
    try {
      await task.run(served);
    } catch (thrown) {
      served.drop();
      task.fail(this.#service.faultOf(thrown, { method: 'tools/call', callId: served.call.callId }));
    }
    if (!this.#tasks.has(task.id)) return;
    const forget = () => this.#forget(task.id);
    kept.expiry = setTimeout(forget, Math.max(0, task.msLeft)).unref();
    this.#quota.keep(keyId, task.id, task.resultBytes, forget);
  }

  #forget(id: string): void {
    const kept = this.#tasks.get(id);
    if (!kept) return;
    clearTimeout(kept.expiry);
    this.#tasks.delete(id);
    this.#quota.release(kept.keyId, id);
  }

  #find(id: unknown, keyId: string): Kept {
    const kept = typeof id === 'string' ? this.#tasks.get(id) : undefined;
    if (kept?.keyId === keyId) return kept;
    throw new McpFault(INVALID_PARAMS, 'taskId names no task of this key, or one that was kept long enough');
  }
}

/** @throws {McpFault} -32021 for capabilities without the extension. */
export function requireTasks(capabilities: Params): void {
  if (!declaresTasks(capabilities)) throw missingExtensionFault(TASKS_EXTENSION);
}

/** A task's state as a notification; `meta` is JSON text of an object. */
export const taskNotification = (members: string, meta: string): string =>
  notificationText('notifications/tasks', `{${members},"_meta":${meta}}`);
