/**
 * A run of chaos over a fleet: clients make calls all the time while a nemesis, seeded, breaks processes, networks and
 * Redis; then everything is healed, and what the clients saw is judged against what the tools wrote of their starts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../random.ts';
import { FAULTS, type FleetFault } from './faults.ts';
import { FleetField, MAX_STARTS } from './fleet-field.ts';
import type { MemberProcess } from './member-process.ts';
import { type ObservedCall, PROMISES, type Promised } from './observed-call.ts';
import type { Topology } from './redis-set.ts';

export interface FleetChaosOptions {
  readonly seed: number;
  /** How many faults at most. */
  readonly faults: number;
  /** When no more are begun. */
  readonly seconds: number;
  readonly gateways: number;
  readonly hosts: number;
  /** Calls at a time. */
  readonly clients: number;
  /** Faults at a time. */
  readonly parallel: number;
  /** Names; none: all. */
  readonly kinds: readonly string[];
  readonly topology: Topology;
}

export interface FleetReport {
  readonly options: FleetChaosOptions;
  readonly violations: readonly { readonly promise: Promised; readonly text: string }[];
  readonly faults: ReadonlyMap<string, number>;
  readonly endings: ReadonlyMap<string, number>;
  readonly calls: number;
  readonly acknowledged: number;
  readonly resumed: number;
  readonly restarts: number;
  readonly holesTold: number;
  /** What broke a promise that could not be kept. */
  readonly excused: number;
  readonly seconds: number;
  /** The call that took its client longest. */
  readonly slowest: ObservedCall | undefined;
}

export async function runFleetChaos(options: FleetChaosOptions): Promise<FleetReport> {
  const random = new Random(options.seed);
  let violations: { promise: Promised; text: string; call: ObservedCall | undefined }[] = [];
  let excused = 0;
  const began = performance.now();
  const violate = (promise: Promised, text: string, call?: ObservedCall) => {
    const at = ((performance.now() - began) / 1000).toFixed(1);
    violations.push({ promise, text: `at ${at} s: ${text}`, call });
  };
  const field = await FleetField.open({ ...options, random: random.fork('field'), violate });
  const faults = new Map<string, number>();
  try {
    const until = performance.now() + options.seconds * 1000;
    const clients = Array.from({ length: options.clients }, (_, at) =>
      clientLoop(field, random.fork(`client ${at}`)),
    );
    const nemesis = new Nemesis(field, random.fork('nemesis'), options, faults);
    await nemesis.run(until);
    await field.heal();
    await Promise.all(clients);
    await checkRest(field, violate);
    const starts = field.starts();
    for (const call of field.calls) call.judge(starts.get(call.name) ?? [], MAX_STARTS);
    const { lost } = field.store;
    const all = violations.length;
    violations = violations.filter(
      ({ promise, call }) => !call?.isExcused(promise, starts.get(call.name) ?? [], lost),
    );
    excused = all - violations.length;
    for (const call of field.calls.filter(({ isSuspect }) => isSuspect)) {
      const first = violations.find(({ text }) => text.includes(call.name));
      const known = `starts ${JSON.stringify(starts.get(call.name))}; Redis: ${await field.whatRedisSays(call.callId)}`;
      if (first) first.text += [`\n    ${known}`, ...call.trail].join('\n    ');
    }
  } finally {
    await field.close();
  }
  const endings = new Map<string, number>();
  for (const { ending, callId } of field.calls) {
    const how = ending ?? (callId === null ? 'never begun' : 'none');
    endings.set(how, (endings.get(how) ?? 0) + 1);
  }
  const sum = (of: (call: (typeof field.calls)[number]) => number) =>
    field.calls.reduce((total, call) => total + of(call), 0);
  return {
    options,
    violations,
    faults,
    endings,
    calls: field.calls.length,
    acknowledged: sum(({ callId, ending }) => (callId !== null || ending !== null ? 1 : 0)),
    resumed: sum(({ connections }) => (connections > 1 ? 1 : 0)),
    restarts: sum((call) => call.restarts),
    holesTold: sum((call) => call.holesTold),
    excused,
    seconds: (performance.now() - began) / 1000,
    slowest: [...field.calls].sort((one, other) => other.lifeMs - one.lifeMs)[0],
  };
}

async function clientLoop(field: FleetField, random: Random): Promise<void> {
  while (field.healedMs === 0) {
    await field.call(random);
    await sleep(random.int(0, 100));
  }
}

class Nemesis {
  readonly #field: FleetField;
  readonly #random: Random;
  readonly #options: FleetChaosOptions;
  readonly #counts: Map<string, number>;
  readonly #kinds: readonly FleetFault[];
  readonly #held = new Set<MemberProcess | 'redis'>();
  #committed = 0;
  /** The first round has every kind once. */
  #round: FleetFault[];

  constructor(field: FleetField, random: Random, options: FleetChaosOptions, counts: Map<string, number>) {
    this.#field = field;
    this.#random = random;
    this.#options = options;
    this.#counts = counts;
    const unknown = options.kinds.find((name) => !FAULTS.some((fault) => fault.name === name));
    if (unknown !== undefined)
      throw new Error(`no fault is named ${unknown}: ${FAULTS.map(({ name }) => name).join()}`);
    const chosen = FAULTS.filter(
      ({ name, needs = options.topology }) =>
        needs === options.topology && (options.kinds.length === 0 || options.kinds.includes(name)),
    );
    this.#kinds = chosen.flatMap((fault) => Array.from({ length: fault.weight ?? 1 }, () => fault));
    this.#round = random.shuffled(chosen);
  }

  async run(until: number): Promise<void> {
    await Promise.all(
      Array.from({ length: this.#options.parallel }, async () => {
        while (performance.now() < until && this.#committed < this.#options.faults) await this.#next();
      }),
    );
  }

  async #next(): Promise<void> {
    const random = this.#random;
    const at = this.#round.findIndex((fault) => this.#subjects(fault).length > 0);
    const fault = at >= 0 ? (this.#round.splice(at, 1)[0] as FleetFault) : random.pick(this.#kinds);
    const subjects = this.#subjects(fault);
    if (subjects.length === 0) return sleep(50);
    const subject = random.pick(subjects);
    if (fault.on !== 'client') this.#held.add(subject);
    this.#committed++;
    this.#counts.set(fault.name, (this.#counts.get(fault.name) ?? 0) + 1);
    try {
      await fault.commit(this.#field, random, subject as MemberProcess);
    } finally {
      if (fault.on !== 'client') this.#held.delete(subject);
    }
    await sleep(random.int(50, 600));
  }

  #subjects({ on }: FleetFault): (MemberProcess | 'redis')[] {
    const { gateways, hosts, members } = this.#field;
    if (on === 'client' || on === 'redis') return on === 'redis' && this.#held.has('redis') ? [] : ['redis'];
    const of = on === 'host' ? hosts : on === 'gateway' ? gateways : members;
    return of.filter((member) => !this.#held.has(member));
  }
}

/** When nobody asks for anything any more, nothing runs and nothing waits. */
async function checkRest(
  field: FleetField,
  violate: (promise: Promised, text: string) => void,
): Promise<void> {
  for (const gateway of field.gateways) {
    let seen = '';
    for (let tries = 0; ; tries++) {
      const cluster = await field.cluster(gateway).catch(() => undefined);
      seen = JSON.stringify(cluster)?.slice(0, 1500) ?? 'no answer';
      if (cluster?.busy === 0 && cluster.depth === 0 && cluster.hosts === field.hosts.length) break;
      if (tries > 600) {
        violate('rest', `${gateway.name} sees no peace: ${seen}`);
        break;
      }
      await sleep(100);
    }
  }
}

export function fleetTable({ faults, endings, slowest }: FleetReport): string {
  const list = (counts: ReadonlyMap<string, number>) =>
    [...counts]
      .sort(([, one], [, other]) => other - one)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const long = slowest && slowest.lifeMs > 20_000 ? `\n    ${slowest.trail.join('\n    ')}` : '';
  const life = ((slowest?.lifeMs ?? 0) / 1000).toFixed(1);
  return `faults: ${list(faults)}\nends: ${list(endings)}\nslowest: ${life} s, ${slowest?.ending}${long}`;
}

export function fleetVerdict(report: FleetReport): string {
  const { options, violations, calls, acknowledged, resumed, restarts, holesTold, excused, seconds } = report;
  const faults = [...report.faults.values()].reduce((sum, count) => sum + count, 0);
  const counts = PROMISES.map(
    (promise) => `${promise} ${violations.filter((one) => one.promise === promise).length}`,
  );
  return (
    `${violations.length === 0 ? 'PASS' : 'FAIL'} fleet (${options.topology}), seed ${options.seed}: ${faults} faults in ${seconds.toFixed(0)} s, ` +
    `${calls} calls (${acknowledged} acknowledged, ${resumed} resumed, ${restarts} restarts, ${holesTold} holes told, ${excused} excused); ` +
    `violations: ${counts.join(', ')}`
  );
}
