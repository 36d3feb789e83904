/**
 * The tasks of the stateless era (extension io.modelcontextprotocol/tasks): made of calls, asked for with tasks/get,
 * answered with tasks/update, ended with tasks/cancel.
 *
 * X1. A task belongs to the key that made it: to everybody else it does not exist.
 * X2. A task is there before its handle is given away, and stays until its `ttlMs` is over, which is longer than its call
 *     can run. How many there may be, and how much of their results is kept, is the quota's.
 * X3. Only a request that declares the extension is served here, whatever requests before it declared.
 * X4. On a fleet a task outlives its gateway: its call goes on, and the gateway that is asked for it reads that from the
 *     beginning. A question that is open then gets a new key. One that asked before it became a task does not: until then
 *     nobody else knew of it.
 */
import type { Peers } from '../../../call/peers.ts';
import { ToolError } from '../../../call/tool-error.ts';
import type { ServedCall } from '../calls/served-call.ts';
import { INVALID_PARAMS, McpFault, missingExtensionFault, refusalFault } from '../fault.ts';
import { isObject, type McpRequest, notificationText, type Params, responseText } from '../message.ts';
import type { Outlet } from '../outlet.ts';
import type { McpService, RequestScope } from '../service.ts';
import type { TaskQuota } from '../sessions/task-quota.ts';
import { declaresTasks, TASKS_EXTENSION } from '../task-support.ts';
import { ExtensionTask } from './extension-task.ts';
import { SharedTasks } from './shared-tasks.ts';

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
  /** Those that are being taken over, by key and id. */
  readonly #arriving = new Map<string, Promise<Kept | undefined>>();
  readonly #shared: SharedTasks | undefined;

  constructor(service: McpService, peers?: Peers) {
    this.#service = service;
    this.#quota = service.taskQuota;
    this.#shared = peers && new SharedTasks(peers, this.#ttlMs);
  }

  get #ttlMs(): number {
    return this.#service.callTimeoutMs + KEPT_MS;
  }

  /** The gateway to ask for the task of a request, where that is another. */
  async placeOf({ method, params }: McpRequest, keyId: string): Promise<string | undefined> {
    const { taskId } = params;
    if (!this.#shared || !METHODS.has(method) || typeof taskId !== 'string') return undefined;
    if (this.#tasks.has(taskId)) return undefined;
    const place = (await this.#shared.find(taskId, keyId))?.place;
    return place === '' || place === this.#shared.place ? undefined : place;
  }

  /** Whether `handle` answers the method. */
  takes(method: string): boolean {
    return METHODS.has(method);
  }

  /** @throws {McpFault} for a task that is unknown, and for a client that does not declare the extension (X3). */
  async handle(
    { id, method, params }: McpRequest,
    keyId: string,
    capabilities: Params,
    outlet: Outlet,
  ): Promise<void> {
    requireTasks(capabilities);
    const { task } = await this.#find(params['taskId'], keyId);
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
    const outliveMs = this.#shared && this.#service.callTimeoutMs;
    const served = this.#service.start(request, plan, { ...scope, wishes: {}, asker: task.asker, outliveMs });
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
    await this.#begin(request, kept, served, outlet);
  }

  /**
   * Makes a task of a call that runs. @throws {McpFault} as `start`.
   * @param becomes is given, before anything is awaited, what takes the call's questions from now on.
   */
  async adopt(
    request: McpRequest,
    served: ServedCall,
    keyId: string,
    outlet: Outlet,
    becomes: (task: ExtensionTask) => void,
  ): Promise<void> {
    const kept = this.#keep(keyId);
    becomes(kept.task);
    await this.#begin(request, kept, served, outlet);
  }

  async #begin(request: McpRequest, kept: Kept, served: ServedCall, outlet: Outlet): Promise<void> {
    const { task, keyId } = kept;
    try {
      await this.#shared?.made(task.id, keyId, { callId: served.call.callId, createdAt: task.createdAt });
    } catch (thrown) {
      served.drop();
      this.#forget(task.id);
      throw thrown;
    }
    outlet.respond(responseText(request.id, `{"resultType":"task",${task.summary}}`));
    void this.#run(kept, served);
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

  /** @param taken of one that another gateway has made. */
  #keep(keyId: string, taken?: { readonly id: string; readonly createdAt: Date }): Kept {
    this.#quota.take(keyId);
    const followers = new Set<() => void>();
    const changed = () => {
      for (const follower of [...followers]) follower();
    };
    const task = new ExtensionTask({
      id: taken?.id ?? this.#service.newHandle(),
      ttlMs: this.#ttlMs,
      changed,
      moved: (isAway) => {
        this.#forget(task.id);
        if (isAway) this.#shared?.left(task.id);
      },
      takenOver: taken,
    });
    const kept: Kept = { task, keyId, followers };
    this.#tasks.set(task.id, kept);
    return kept;
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

  async #find(id: unknown, keyId: string): Promise<Kept> {
    const kept =
      typeof id === 'string' ? (this.#tasks.get(id) ?? (await this.#takeOver(id, keyId))) : undefined;
    if (kept?.keyId === keyId) return kept;
    throw new McpFault(INVALID_PARAMS, 'taskId names no task of this key, or one that was kept long enough');
  }

  /** X4. @returns undefined where there is no such task. */
  async #takeOver(id: string, keyId: string): Promise<Kept | undefined> {
    const asked = `${keyId}\n${id}`;
    const arriving = this.#arriving.get(asked) ?? this.#fetch(id, keyId);
    this.#arriving.set(asked, arriving);
    try {
      return await arriving;
    } finally {
      this.#arriving.delete(asked);
    }
  }

  async #fetch(id: string, keyId: string): Promise<Kept | undefined> {
    const shared = this.#shared;
    const found = await shared?.find(id, keyId);
    if (!shared || !found) return undefined;
    if (shared.isLeaving) throw leaving();
    const { callId, createdAt } = found;
    if (createdAt.getTime() + this.#ttlMs < Date.now()) return undefined;
    const call = await this.#service.dispatcher.resume({ callId, keyId, after: -1 }).catch(unlessGone);
    if (!call) return undefined;
    let kept: Kept;
    try {
      if (shared.isLeaving) throw leaving();
      kept = this.#keep(keyId, { id, createdAt });
    } catch (thrown) {
      await call[Symbol.asyncIterator]().return?.(); // it goes on, and waits for who asks next
      throw thrown;
    }
    const served = this.#service.goOn(call, this.#service.statelessEra, kept.task.asker);
    void this.#run(kept, served);
    await shared.taken(id);
    return kept;
  }
}

const leaving = (): McpFault =>
  refusalFault(new ToolError('unavailable', 'the gateway is going; ask again', { retryAfterMs: 500 }));

/** What is no longer kept of a call is no longer there of its task. */
function unlessGone(thrown: unknown): undefined {
  if (ToolError.is(thrown) && (thrown.code === 'call_not_found' || thrown.code === 'gone')) return undefined;
  throw thrown;
}

/** @throws {McpFault} -32021 for capabilities without the extension. */
export function requireTasks(capabilities: Params): void {
  if (!declaresTasks(capabilities)) throw missingExtensionFault(TASKS_EXTENSION);
}

/** A task's state as a notification; `meta` is JSON text of an object. */
export const taskNotification = (members: string, meta: string): string =>
  notificationText('notifications/tasks', `{${members},"_meta":${meta}}`);
