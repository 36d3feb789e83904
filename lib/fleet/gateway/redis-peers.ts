/**
 * What the gateways of a fleet know together and tell each other, in Redis. Implements Peers.
 *
 * P1. Everything lapses: what nobody reads or writes any more costs nothing.
 * P2. What is told is told once, and lost where the listener is away: whoever must know asks again, or reads.
 */
import type { Peers } from '../../call/peers.ts';
import { ToolError } from '../../call/tool-error.ts';
import { digestOf, type Members } from '../members.ts';
import type { FleetRedis } from '../redis/fleet-redis.ts';

const LOG_ENTRIES = 512;

export class RedisPeers implements Peers {
  readonly place: string;
  readonly #redis: FleetRedis;
  readonly #members: Members;
  readonly #leaving: (() => void)[] = [];
  readonly #listeners = new Map<string, (text: string, from: string) => void>();

  constructor(redis: FleetRedis, members: Members, nodeId: string) {
    this.#redis = redis;
    this.#members = members;
    this.place = digestOf(nodeId);
  }

  async open(): Promise<void> {
    const hear = (message: string) => this.#hear(message);
    await this.#redis.subscribe(this.#redis.keys.peer(this.place), hear);
    await this.#redis.subscribe(this.#redis.keys.peer('all'), hear);
  }

  #hear(message: string): void {
    const [from = '', topic = ''] = message.split('\n', 2);
    if (from !== this.place)
      this.#listeners.get(topic)?.(message.slice(from.length + topic.length + 2), from);
  }

  async #ask<T>(question: (commands: FleetRedis['commands']) => Promise<T>): Promise<T> {
    if (!this.#redis.isReady) throw this.#redis.refusal();
    try {
      return await question(this.#redis.commands);
    } catch (error) {
      if (error instanceof Error && /\bOOM\b/.test(error.message))
        throw new ToolError('overloaded', 'the memory of the fleet is full; try again later', {
          retryAfterMs: 1000,
        });
      throw this.#redis.refusal();
    }
  }

  read(name: string, keepMs?: number) {
    return this.#ask(async (commands) => {
      const key = this.#redis.keys.shared(name);
      const [fields] = await Promise.all([
        commands.hgetall(key),
        keepMs === undefined ? undefined : commands.pexpire(key, keepMs),
      ]);
      return fields;
    });
  }

  write(name: string, fields: Readonly<Record<string, string>>, keepMs: number): Promise<void> {
    return this.#ask(async (commands) => {
      const key = this.#redis.keys.shared(name);
      await Promise.all([commands.hset(key, fields), commands.pexpire(key, Math.ceil(keepMs))]);
    });
  }

  claim(name: string, field: string, value: string): Promise<string | undefined> {
    return this.#ask(async (commands) => {
      const reply = await commands.fleetShare(this.#redis.keys.shared(name), field, value);
      return (reply as string | null) ?? undefined;
    });
  }

  forget(name: string, ...fields: readonly string[]): Promise<void> {
    return this.#ask(async (commands) => {
      const key = this.#redis.keys.shared(name);
      await (fields.length === 0 ? commands.unlink(key) : commands.hdel(key, ...fields));
    });
  }

  append(log: string, text: string, keepMs: number): Promise<string> {
    return this.#ask(async (commands) => {
      const key = this.#redis.keys.sharedLog(log);
      const [id] = await Promise.all([
        commands.xadd(key, 'MAXLEN', '~', LOG_ENTRIES, '*', 'd', text),
        commands.pexpire(key, Math.ceil(keepMs)),
      ]);
      return String(id);
    });
  }

  since(log: string, id: string) {
    return this.#ask(async (commands) => {
      const rows = await commands.xrange(this.#redis.keys.sharedLog(log), `(${id}`, '+');
      return rows.map(([at, [, text = '']]) => ({ id: at, text }));
    });
  }

  tell(place: string, topic: string, text: string): Promise<boolean> {
    return this.#ask(async (commands) => {
      const { keys, isCluster } = this.#redis;
      const heard = await commands.publish(keys.peer(place), `${this.place}\n${topic}\n${text}`);
      return heard > 0 || (isCluster && this.#mayBeThere(place));
    });
  }

  /** A node of a Cluster counts its own listeners alone. */
  #mayBeThere(place: string): boolean {
    return !this.#members.isKnown || this.#members.all.some(({ id }) => digestOf(id) === place);
  }

  async tellAll(topic: string, text: string): Promise<void> {
    await this.tell('all', topic, text);
  }

  onTold(topic: string, listener: (text: string, from: string) => void): void {
    this.#listeners.set(topic, listener);
  }

  onLeaving(listener: () => void): void {
    this.#leaving.push(listener);
  }

  /** This gateway goes. */
  leave(): void {
    for (const listener of this.#leaving) listener();
  }
}
