/**
 * What the fleet keeps of calls, for a gateway's history.
 *
 * C1. Asked for while Redis cannot be reached, it says so: that a call is not there would be a lie.
 */
import { createHash } from 'node:crypto';
import type { CallRequest, RunningCall } from '../../call/running-call.ts';
import { ToolError } from '../../call/tool-error.ts';
import { errorHead, eventsIn, fromEntry, sizeOf } from '../events.ts';
import type { FleetRedis } from '../redis/fleet-redis.ts';
import type { RedisRunner } from './redis-runner.ts';
import { entryOf, placeOf, type StreamEntry } from './stream-entry.ts';

/** As a history sees a call; the shape is the history's. */
interface SharedState {
  readonly callId: string;
  readonly tool: string;
  readonly hasStarted: boolean;
  readonly chunks: number;
  readonly madeAt: number;
  readonly end?: ReturnType<typeof endOf>;
}

interface SharedClaim {
  readonly keyId: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** What `open` wrote of the request. */
type Info = Pick<
  CallRequest,
  'kind' | 'name' | 'caller' | 'madeAt' | 'keep' | 'streams' | 'repeatBytes' | 'abilities' | 'logLevel'
>;

const LIST_LIMIT = 1000;

export class RedisSharedCalls {
  readonly #redis: FleetRedis;
  readonly #runner: RedisRunner;
  readonly #options: { readonly nodeId: string; readonly claimMs: number; readonly openingMs: number };

  constructor(
    redis: FleetRedis,
    runner: RedisRunner,
    options: { readonly nodeId: string; readonly claimMs: number; readonly openingMs: number },
  ) {
    this.#redis = redis;
    this.#runner = runner;
    this.#options = options;
  }

  /** @throws {ToolError} `unavailable` while Redis cannot be asked. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    if (!this.#redis.isReady) throw this.#redis.refusal();
    try {
      return await question();
    } catch (error) {
      throw ToolError.is(error) ? error : this.#redis.refusal();
    }
  }

  take(callId: string, keyId: string) {
    return this.#ask(async () => {
      const { commands, keys } = this.#redis;
      const { nodeId } = this.#options;
      const reply = await commands.fleetAttach(
        keys.call(callId),
        keyId,
        nodeId,
        keys.gatewayChannels,
        callId,
      );
      const [st, epoch, seq, events, , info, at, , , group, , out] = reply as readonly (string | null)[];
      if (!st) return undefined;
      const [rows, fields] = await Promise.all([
        commands.xrange(keys.events(callId), '-', '+'),
        commands.hkeys(keys.call(callId)),
      ]);
      const answered = new Set(fields);
      const entries = rows.map(([id, values]) => unlessAnswered(entryOf(id, values), answered));
      // Numbers are dense: the first that is kept is known by counting back from the last.
      const isCounted = (id: string) => {
        const [ep = 0, number = 0] = id.split('-').map(Number);
        return ep < Number(epoch) || (ep === Number(epoch) && number <= Number(seq));
      };
      let kept = 0;
      // Credit is told in bytes from the run's beginning on: what is not kept any more counts as well.
      let readBefore = Number(out);
      for (const entry of entries) {
        if (!isCounted(entry.id)) continue;
        if (entry.kind === 'b') kept += Number(entry.head);
        else {
          if (placeOf(entry.id).epoch === Number(epoch)) readBefore -= sizeOf(entry);
          const event = fromEntry(entry);
          if (event) kept += eventsIn(event);
        }
      }
      const request = { ...(JSON.parse(info ?? '{}') as Info), callId, arguments: undefined };
      const call: RunningCall = this.#runner.adopt(request, Date.now() - Number(at), group ?? '', {
        entries,
        readBefore,
      });
      return { call, before: Number(events) - kept, last: Number(events), isEnded: st === 'e' };
    });
  }

  /** The message that another gateway has taken it over may have been lost. */
  async isElsewhere(callId: string): Promise<boolean | undefined> {
    const { commands, keys, isReady } = this.#redis;
    if (!isReady) return undefined;
    const gateway = await commands.hget(keys.call(callId), 'gw').catch(() => undefined);
    if (gateway === undefined) return undefined;
    if (gateway === null || gateway === this.#options.nodeId) return false;
    this.#runner.moved(callId);
    return true;
  }

  find(callId: string, keyId: string): Promise<SharedState | undefined> {
    return this.#ask(() => this.#find(callId, keyId));
  }

  async #find(callId: string, keyId: string): Promise<SharedState | undefined> {
    const { commands, keys } = this.#redis;
    const [
      st = null,
      key,
      info,
      told,
      chunks,
      kept,
      gateway = null,
      host = null,
      epoch = null,
      group = null,
    ] = await commands.hmget(keys.call(callId), 'st', 'key', 'i', 'told', 'n', 'kp', 'gw', 'h', 'ep', 'gr');
    if (!st || key !== keyId || !info || (st === 'e' && kept !== '1')) return undefined;
    const { kind, name, madeAt = 0 } = JSON.parse(info) as Info;
    if (kind !== 'tool') return undefined;
    this.#runner.lookInto({ callId, st, gateway, host, epoch, group });
    const [last] = st === 'e' ? await commands.xrevrange(keys.events(callId), '+', '-', 'COUNT', 1) : [];
    const end = last && endOf(last);
    return {
      callId,
      tool: name,
      hasStarted: st === 'r' || told === '1' || end?.type === 'result',
      chunks: Number(chunks ?? 0),
      madeAt,
      ...(end ? { end } : {}),
    };
  }

  list(keyId: string): Promise<readonly SharedState[]> {
    return this.#ask(async () => {
      const { commands, keys } = this.#redis;
      const ids = await commands.zrange(keys.callsOf(keyId), -LIST_LIMIT, -1);
      const states = await Promise.all(ids.map((id) => this.#find(id, keyId)));
      const gone = ids.filter((_, at) => states[at] === undefined);
      if (gone.length > 0) commands.zrem(keys.callsOf(keyId), ...gone).catch(() => undefined);
      return states.filter((state) => state !== undefined);
    });
  }

  async hasEnded(callId: string): Promise<boolean> {
    const { commands, keys, isReady } = this.#redis;
    return isReady && (await commands.hget(keys.call(callId), 'st').catch(() => null)) === 'e';
  }

  cancel(callId: string, keyId: string): Promise<boolean> {
    return this.#ask(async () => {
      const { commands, keys } = this.#redis;
      const [info, at, chunks] = await commands.hmget(keys.call(callId), 'i', 'at', 'n');
      if (!info) return false;
      const error = new ToolError('cancelled', 'the call was cancelled');
      const code = await commands.fleetFinish(
        keys.call(callId),
        keys.events(callId),
        keyId,
        0,
        errorHead(error, Number(chunks ?? 0), Math.max(0, Date.now() - Number(at))),
        'cancelled',
        'cancelled',
        this.#runner.keepMs,
        keys.gatewayChannels,
        keys.hostChannels,
        callId,
        '',
      );
      return (code as number) > 0;
    });
  }

  claim({ keyId, key, fingerprint }: SharedClaim, callId: string, instead = '') {
    return this.#ask(async () => {
      const { commands } = this.#redis;
      const { claimMs, openingMs } = this.#options;
      const name = this.#claimName(keyId, key);
      const reply = await commands.fleetClaim(name, callId, fingerprint, claimMs, openingMs, instead);
      const [what, first, second, age] = reply as readonly [string, string | number, string, number];
      if (what === 'new') return { claimedUntil: Number(first) };
      return { callId: String(first), fingerprint: second, ageMs: age };
    });
  }

  /** Where Redis cannot be told, whoever asks with the key finds a call that was refused, and takes it for void. */
  async giveBack({ keyId, key }: SharedClaim, callId: string): Promise<void> {
    await this.#redis.commands.fleetUnclaim(this.#claimName(keyId, key), callId).catch(() => undefined);
  }

  #claimName(keyId: string, key: string): string {
    const digest = createHash('sha256').update(`${keyId}\n${key}`).digest('base64url');
    return this.#redis.keys.claim(digest);
  }

  onMoved(listener: (callId: string, isAway: boolean) => void): void {
    this.#runner.onMoved = listener;
  }
}

/** A question that has its answer is asked of nobody who comes later. @param fields of the call's hash. */
function unlessAnswered(entry: StreamEntry, fields: ReadonlySet<string>): StreamEntry {
  if (entry.kind !== 'a') return entry;
  const [epoch] = entry.id.split('-');
  const [ask] = JSON.parse(entry.head) as [number];
  return fields.has(`a${epoch}.${ask}`) ? { ...entry, kind: 'n' } : entry;
}

function endOf([id, fields]: [id: string, fields: string[]]) {
  const event = fromEntry(entryOf(id, fields));
  return event?.type === 'result' || event?.type === 'error' ? event : undefined;
}
