/**
 * Where calls wait for a host: queues of BullMQ, one a group and lane.
 *
 * Q1. A job names a call and no more; what is to be run is the call's, and whether it runs is decided when it is begun.
 * Q2. A job has the call's id, so that giving it again while it waits changes nothing.
 * Q3. Built once Redis is ready: a Queue that is built while it is away stays broken for ever (BullMQ 6.7).
 */
import type { Queue } from 'bullmq';
import { ToolError } from '../../call/tool-error.ts';
import { FRAME_VERSION, type Lane } from '../members.ts';
import type { FleetRedis } from '../redis/fleet-redis.ts';

/** @param group of hosts. */
export const queueName = (group: string, lane: Lane): string => `calls.v${FRAME_VERSION}.${group}.${lane}`;

export interface CallJob {
  readonly c: string;
}

const LOOK_MS = 1000;
const JOB_OPTIONS = { removeOnComplete: true, removeOnFail: true, attempts: 1 } as const;

export class DispatchQueues {
  readonly #redis: FleetRedis;
  readonly #bullmq: typeof import('bullmq');
  readonly #queues = new Map<string, Queue<CallJob>>();
  readonly #depths = new Map<string, number>();
  readonly #look: NodeJS.Timeout;
  #oldestMs = 0;

  constructor(redis: FleetRedis, bullmq: typeof import('bullmq')) {
    this.#redis = redis;
    this.#bullmq = bullmq;
    this.#look = setInterval(() => void this.#count(), LOOK_MS);
  }

  /** Gives a call to a group. @param jobId differs from the call's id where it is given again to a host that begins it anew. */
  async add(name: string, callId: string, jobId = callId): Promise<void> {
    await this.#queue(name).add('call', { c: callId }, { ...JOB_OPTIONS, jobId: `c${jobId}` });
    this.#depths.set(name, this.#depths.get(name) ?? 0);
  }

  /** Takes a call out that is not to be run any more, where it still waits. */
  async remove(name: string, callId: string): Promise<void> {
    await this.#queue(name).remove(`c${callId}`);
  }

  /** How many calls waited in a queue when somebody looked last. */
  depth(name: string): number {
    const depth = this.#depths.get(name);
    if (depth === undefined) this.#queue(name); // counted from now on: hosts give calls to it too
    return depth ?? 0;
  }

  /** Whether a call waits in a queue. */
  async holds(name: string, callId: string): Promise<boolean> {
    return (await this.#queue(name).getJob(`c${callId}`)) !== undefined;
  }

  get totalDepth(): number {
    let sum = 0;
    for (const depth of this.#depths.values()) sum += depth;
    return sum;
  }

  /** How long the call has waited that waits longest. */
  get oldestMs(): number {
    return this.#oldestMs;
  }

  #queue(name: string): Queue<CallJob> {
    const known = this.#queues.get(name);
    if (known) return known;
    const queue = new this.#bullmq.Queue<CallJob>(name, {
      connection: this.#redis.commands,
      prefix: this.#redis.keys.queuePrefix,
      skipVersionCheck: true,
      streams: { events: { maxLen: 1 } },
    });
    queue.on('error', () => undefined); // told by the connection
    this.#queues.set(name, queue);
    return queue;
  }

  async #count(): Promise<void> {
    if (!this.#redis.isReady) return;
    try {
      let oldest = 0;
      for (const [name, queue] of this.#queues) {
        const depth = await queue.getWaitingCount();
        this.#depths.set(name, depth);
        if (depth === 0) continue;
        const [first] = await queue.getWaiting(0, 0);
        if (first) oldest = Math.max(oldest, Date.now() - first.timestamp);
      }
      this.#oldestMs = oldest;
    } catch {
      // Redis has gone; the figures are those of before.
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#look);
    await Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
  }
}

export async function loadBullmq(): Promise<typeof import('bullmq')> {
  try {
    return await import('bullmq');
  } catch (error) {
    const reason =
      'REDIS_URL is set, which needs the packages ioredis and bullmq: npm install ioredis bullmq';
    throw new ToolError('unavailable', reason, { cause: error });
  }
}
