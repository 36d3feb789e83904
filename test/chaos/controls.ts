/**
 * Control calls: harmless calls of another caller, over every transport, all the time, whose right answers are known.
 *
 * C1. One that is refused, cut, late or fails is lost; one with another answer is wrong. There is no excuse but the
 *     death of the process, which is a violation of its own.
 * C2. They take what is said as it came: the same log that judges faults judges them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { memberOf, shown } from './clients/call-log.ts';
import type { Transport, TransportName } from './clients/transport.ts';
import type { Field } from './field.ts';
import type { Ledger } from './ledger.ts';
import type { Random } from './random.ts';
import { CONTROL_KEY } from './system/http-gateway.ts';
import { checksum } from './tools/checksum.ts';

/** Longer than the gateway lets a call wait in its queue. */
const PATIENCE_MS = 45_000;
/** Canaries behind a poisoner. */
const PROBES = 6;

interface ControlCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly chunks: number;
  /** What is wrong with the result's data, or null. */
  check(data: unknown): string | null;
}

function newControlCall(random: Random): ControlCall {
  const suffix = random.next() < 0.5 ? '_shared' : '';
  switch (random.int(0, 3)) {
    case 0: {
      const value = echoed(random, 3);
      const right = (data: unknown) => isDeepStrictEqual(memberOf(data, 'value'), value);
      const check = (data: unknown) =>
        right(data) ? null : `echoed ${shown(memberOf(data, 'value'))} for ${shown(value)}`;
      return { tool: `control_echo${suffix}`, args: { value }, chunks: 0, check };
    }
    case 1: {
      const [n, text] = [random.int(1, 40), random.nonce().slice(2)];
      let sum = 0;
      for (let at = 0; at < n; at++) sum = checksum(sum, `${at} ${text}`);
      const check = (data: unknown) =>
        memberOf(data, 'sum') === sum ? null : `summed ${shown(data)}, not ${sum}`;
      return { tool: `control_chunks${suffix}`, args: { n, text }, chunks: n, check };
    }
    default:
      return canary(suffix);
  }
}

function canary(suffix: string): ControlCall {
  const check = (data: unknown) => {
    const changed = memberOf(data, 'changed');
    return changed === null ? null : `its thread was poisoned: ${shown(changed)}`;
  };
  return { tool: `control_canary${suffix}`, args: {}, chunks: 0, check };
}

/** A value of JSON with some depth. */
function echoed(random: Random, depth: number): unknown {
  switch (random.int(0, depth > 0 ? 6 : 3)) {
    case 0:
      return random.int(-1_000_000, 1_000_000);
    case 1:
      return `${random.next()} ä€😀 "\\\n`;
    case 2:
      return random.next() < 0.5;
    case 3:
      return null;
    case 4:
      return Array.from({ length: random.int(0, 5) }, () => echoed(random, depth - 1));
    default:
      return { a: echoed(random, depth - 1), b: echoed(random, depth - 1), 'c d': random.next() };
  }
}

export interface ControlOptions {
  readonly field: Field;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly transports: readonly TransportName[];
  /** Pause between two calls of one transport. */
  readonly everyMs: number;
}

export class Controls {
  readonly #options: ControlOptions;
  readonly latenciesMs: number[] = [];
  #isStopped = false;
  #loops: Promise<void>[] = [];

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isStopped = false;
    this.#loops = this.#options.transports.map((transport) => this.#loop(transport));
  }

  /** Lets the calls under way end. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#loops);
  }

  /** A few canaries at once, for the threads that a poisoner may just have left. */
  async probe(transport: TransportName, random: Random): Promise<void> {
    const canaries = Array.from({ length: PROBES }, (_, at) =>
      this.#call(this.#options.field.probes[transport], random, canary(at % 2 === 0 ? '' : '_shared')),
    );
    await Promise.all(canaries);
  }

  async #loop(transport: TransportName): Promise<void> {
    const random = this.#options.random.fork(`control ${transport}`);
    while (!this.#isStopped) {
      await this.#call(this.#options.field.controls[transport], random, newControlCall(random));
      await sleep(this.#options.everyMs * (0.5 + random.next()));
    }
  }

  async #call(client: Transport, random: Random, control: ControlCall): Promise<void> {
    const transport = client.name;
    const { field, ledger } = this.#options;
    const host = field.hostOf(transport);
    await field.ready(host);
    const deaths = field.deathsOf(host);
    const nonce = random.nonce();
    const at = performance.now();
    const { log } = client.call({ ...control, nonce, key: CONTROL_KEY });
    await Promise.race([log.closed, sleep(PATIENCE_MS, undefined, { ref: false })]);
    if (this.latenciesMs.length < 100_000) this.latenciesMs.push(performance.now() - at);
    // A death is told a moment after it cuts its calls.
    if (log.ending !== 'success') await sleep(300);
    if (field.deathsOf(host) !== deaths) return;
    ledger.controlled(transport);
    for (const { kind, text } of log.breaches) ledger.ofControl(kind, transport, `${control.tool}: ${text}`);
    if (log.ending !== 'success') {
      const how = log.ending ?? `no end within ${PATIENCE_MS / 1000} s`;
      return ledger.ofControl('control calls lost', transport, `${control.tool}: ${how}`);
    }
    const wrong = control.check(log.data);
    if (wrong !== null) ledger.ofControl('wrong values', transport, `${control.tool}: ${wrong}`);
    if (transport !== 'rest' && log.chunks !== control.chunks)
      ledger.ofControl(
        'wrong values',
        transport,
        `${control.tool}: ${log.chunks} chunks of ${control.chunks}`,
      );
  }
}
