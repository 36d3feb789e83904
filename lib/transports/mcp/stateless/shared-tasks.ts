/**
 * What the gateways of a fleet know of tasks: which call each is made of, and who looks after it.
 *
 * T1. A task is told here before its handle is given away, and known for as long as it may be asked for.
 * T2. Where the gateway of a task is gone, whoever is asked for it looks after it from then on.
 */
import type { Peers } from '../../../call/peers.ts';

export interface SharedTask {
  readonly callId: string;
  readonly createdAt: Date;
  /** The gateway that looks after it; empty: none. */
  readonly place: string;
}

export class SharedTasks {
  readonly #peers: Peers;
  readonly #keepMs: number;
  #isLeaving = false;

  /** @param keepMs how long a task is known, from its last change of place. */
  constructor(peers: Peers, keepMs: number) {
    this.#peers = peers;
    this.#keepMs = keepMs;
    peers.onLeaving(() => {
      this.#isLeaving = true;
    });
  }

  get place(): string {
    return this.#peers.place;
  }

  /** Whether this gateway goes, and takes no task over. */
  get isLeaving(): boolean {
    return this.#isLeaving;
  }

  /** @throws {ToolError} `unavailable`, as all that asks. */
  async made(taskId: string, keyId: string, { callId, createdAt }: Omit<SharedTask, 'place'>): Promise<void> {
    const fields = { key: keyId, call: callId, made: createdAt.toISOString(), at: this.place };
    await this.#peers.write(nameOf(taskId), fields, this.#keepMs);
  }

  /** @returns undefined for a task that is not there, or another key's. */
  async find(taskId: string, keyId: string): Promise<SharedTask | undefined> {
    const { key, call, made, at = '' } = await this.#peers.read(nameOf(taskId));
    if (key !== keyId || call === undefined || made === undefined) return undefined;
    return { callId: call, createdAt: new Date(made), place: at };
  }

  /** This gateway looks after it from now on. */
  taken(taskId: string): Promise<void> {
    return this.#peers.write(nameOf(taskId), { at: this.place }, this.#keepMs);
  }

  /** Nobody looks after it until it is asked for. */
  left(taskId: string): void {
    this.#peers.write(nameOf(taskId), { at: '' }, this.#keepMs).catch(() => undefined);
  }
}

const nameOf = (taskId: string): string => `t:${taskId}`;
