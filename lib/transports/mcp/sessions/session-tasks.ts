/**
 * The tasks of one session (experimental in revision 2025-11-25, and in no other): tools/call with `task`, tasks/get,
 * tasks/result, tasks/list and tasks/cancel.
 *
 * S1. A task belongs to its session, and so to its key: to everybody else it does not exist.
 * S2. A running task is bounded by the deadline of its call; an ended one is kept until its `ttl` is over, counted
 *     from its creation, and a moment at least. How many there may be is the quota's.
 * S3. `close` ends what runs and forgets everything.
 */

import type { ServedCall } from '../calls/served-call.ts';
import { INVALID_PARAMS, McpFault, METHOD_NOT_FOUND } from '../fault.ts';
import { isObject, jsonText, type McpRequest, type Params, responseText } from '../message.ts';
import type { Outlet } from '../outlet.ts';
import type { McpService, RequestScope } from '../service.ts';
import { type TaskSupport, taskSupportOf } from '../task-support.ts';
import { McpTask, type TaskLine } from './task.ts';
import type { TaskQuota } from './task-quota.ts';

/** The revision that has tasks. */
export const TASKS_VERSION = '2025-11-25';
/** What a server with tasks declares beside its other capabilities. */
export const TASKS_CAPABILITY = { list: {}, cancel: {}, requests: { tools: { call: {} } } };

/** How long an ended task is kept when its client did not say. */
const DEFAULT_TTL_MS = 5 * 60_000;
const MAX_TTL_MS = 60 * 60_000;
/** The shortest time for which an ended task is kept: a client that polls must find it. */
const MIN_KEPT_MS = 2000;
const PAGE_SIZE = 50;

const METHODS = new Set(['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel']);

export interface TaskScope extends RequestScope {
  track(served: Pick<ServedCall, 'drop'>): void;
}

interface Kept {
  /** Place in the list; stays when others leave it. */
  readonly place: number;
  readonly task: McpTask;
  readonly keyId: string;
  expiry?: NodeJS.Timeout;
}

export class SessionTasks {
  readonly #service: McpService;
  readonly #quota: TaskQuota;
  readonly #line: TaskLine;
  readonly #tasks = new Map<string, Kept>();
  #count = 0;
  #running = 0;

  constructor(service: McpService, line: TaskLine) {
    this.#service = service;
    this.#quota = service.taskQuota;
    this.#line = line;
  }

  /** Tasks that have not ended. */
  get running(): number {
    return this.#running;
  }

  /** Whether `handle` answers the request. */
  takes({ method, params }: McpRequest, keyId: string): boolean {
    if (method !== 'tools/call') return METHODS.has(method);
    return isPresent(params['task']) || this.#supportOf(params, keyId) === 'required';
  }

  /** Never rejects. */
  async handle(request: McpRequest, scope: TaskScope, outlet: Outlet): Promise<void> {
    const { id, method, params } = request;
    try {
      switch (method) {
        case 'tools/call':
          return await this.#create(request, scope, outlet);
        case 'tasks/result':
          return await this.#find(params).read(id, outlet, (reader) => scope.track(reader));
        case 'tasks/get':
          return outlet.respond(responseText(id, this.#find(params).text));
        case 'tasks/cancel':
          return outlet.respond(responseText(id, this.#cancel(this.#find(params))));
        default:
          return outlet.respond(responseText(id, this.#list(params)));
      }
    } catch (thrown) {
      this.#service.fail(thrown, request, outlet);
    }
  }

  close(): void {
    for (const [taskId, { task }] of [...this.#tasks]) {
      task.drop();
      this.#forget(taskId);
    }
  }

  #supportOf({ name }: Params, keyId: string): TaskSupport | undefined {
    return taskSupportOf(this.#service.dispatcher.tool(String(name), keyId));
  }

  async #create(request: McpRequest, scope: TaskScope, outlet: Outlet): Promise<void> {
    const isAsked = isPresent(request.params['task']);
    if (isAsked === (this.#supportOf(request.params, scope.caller.keyId) === 'forbidden')) {
      const name = jsonText(request.params['name']);
      const reason = isAsked ? `${name} does not run as a task` : `${name} runs as a task only`;
      throw new McpFault(METHOD_NOT_FOUND, `${reason}; see execution.taskSupport in tools/list`);
    }
    const plan = this.#service.catalogOf(scope.caller.keyId).toolCall(request.params);
    const task = new McpTask(ttlOf(request.params['task']), this.#line, this.#service.newHandle());
    const { keyId } = scope.caller;
    this.#quota.take(keyId);
    const kept: Kept = { place: ++this.#count, task, keyId };
    this.#tasks.set(task.id, kept);
    const served = this.#service.start(request, plan, { ...scope, era: task.era, asker: task.asker });
    outlet.named(served.call.callId, this.#service.rateHeadersOf(plan, scope));
    let isRefused = false;
    served.call.onEnd(() => {
      isRefused = true;
    });
    // What is refused before it runs (an unknown tool, a full queue) is told a microtask later, and makes no task.
    await undefined;
    if (isRefused) {
      this.#forget(task.id);
      await served.serve(request.id, outlet, scope.wishes);
      return;
    }
    outlet.respond(responseText(request.id, `{"task":${task.text}}`));
    this.#running++;
    void this.#run(kept, served, scope);
  }

  /** Runs a task to its end. Never rejects: a defect fails the task. */
  async #run(kept: Kept, served: ServedCall, { wishes }: TaskScope): Promise<void> {
    const { task } = kept;
    try {
      await task.run(served, wishes);
    } catch (thrown) {
      served.drop();
      task.fail(this.#service.faultOf(thrown, { method: 'tools/call', callId: served.call.callId }));
    }
    this.#ended(kept);
  }

  #ended(kept: Kept): void {
    this.#running--;
    const { task, keyId } = kept;
    if (!this.#tasks.has(task.id)) return;
    const forget = () => this.#forget(task.id);
    kept.expiry = setTimeout(forget, Math.max(MIN_KEPT_MS, task.msLeft)).unref();
    this.#quota.keep(keyId, task.id, task.resultBytes, forget);
  }

  #forget(taskId: string): void {
    const kept = this.#tasks.get(taskId);
    if (!kept) return;
    clearTimeout(kept.expiry);
    this.#tasks.delete(taskId);
    this.#quota.release(kept.keyId, taskId);
  }

  #find({ taskId }: Params): McpTask {
    const kept = typeof taskId === 'string' ? this.#tasks.get(taskId) : undefined;
    if (kept) return kept.task;
    throw new McpFault(
      INVALID_PARAMS,
      'taskId names no task of this session, or one that was kept long enough',
    );
  }

  #cancel(task: McpTask): string {
    if (task.isTerminal) {
      throw new McpFault(INVALID_PARAMS, `the task is ${task.status} already and cannot be cancelled`);
    }
    task.cancel();
    return task.text;
  }

  /** One page, in the order of creation. The cursor is the place of the last entry, so that none is shown twice. */
  #list({ cursor }: Params): string {
    const after = isPresent(cursor) ? this.#placeOf(cursor) : 0;
    const left = [...this.#tasks.values()].filter(({ place }) => place > after);
    const page = left.slice(0, PAGE_SIZE);
    const last = left.length > PAGE_SIZE ? page.at(-1) : undefined;
    const next = last ? `,"nextCursor":"${Buffer.from(String(last.place)).toString('base64url')}"` : '';
    return `{"tasks":[${page.map(({ task }) => task.text).join(',')}]${next}}`;
  }

  #placeOf(cursor: unknown): number {
    const place = typeof cursor === 'string' ? Number(Buffer.from(cursor, 'base64url').toString()) : 0;
    if (Number.isSafeInteger(place) && place > 0 && place <= this.#count) return place;
    throw new McpFault(INVALID_PARAMS, 'cursor is not one that this list gave; list again without it');
  }
}

/** Clients write null for what is absent. */
const isPresent = (value: unknown): boolean => value !== undefined && value !== null;

/** @throws {McpFault} when `task` is no object with a `ttl` that is a duration. */
function ttlOf(task: unknown): number {
  const ttl = isObject(task) ? (task['ttl'] ?? DEFAULT_TTL_MS) : undefined;
  if (typeof ttl !== 'number' || !(ttl >= 0)) {
    throw new McpFault(INVALID_PARAMS, 'tools/call: "task" is an object, its "ttl" a number of milliseconds');
  }
  return Math.round(Math.min(MAX_TTL_MS, Math.max(MIN_KEPT_MS, ttl)));
}
