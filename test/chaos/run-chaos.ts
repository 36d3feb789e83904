/**
 * A run of chaos: starts the processes, commits the planned faults some at a time while control calls go on, and looks
 * at the end whether everything is as it was.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { TransportName } from './clients/transport.ts';
import { Controls } from './controls.ts';
import { Field } from './field.ts';
import { type Kind, STALL_MS, Verdict } from './kinds/kind.ts';
import { type Fault, Ledger } from './ledger.ts';
import { planFaults } from './plan.ts';
import { Random } from './random.ts';
import { checkEnds, checkReturned, type Figures, figuresAtRest } from './still-as-it-was.ts';
import { FAULT_KEY, POISON_KEYS } from './system/http-gateway.ts';

export interface ChaosOptions {
  readonly seed: number;
  /** How many faults at most. */
  readonly faults: number;
  /** When no more are begun. */
  readonly seconds: number;
  readonly kinds: readonly Kind[];
  readonly transports: readonly TransportName[];
  /** Faults at once. */
  readonly parallel: number;
  /** More of the gateway's environment than chaos needs itself. */
  readonly env?: Readonly<Record<string, string>>;
  readonly node?: string | undefined;
}

/**
 * The gateway's limits in a run, shorter than by default so that what waits for them fits into minutes. The breaker is
 * off: it would refuse, rightly, a tool that fails as often as ours, and nothing would be tried.
 */
export const CHAOS_ENV = {
  CANCEL_GRACE: '0.5',
  STREAM_STALL: `${STALL_MS / 1000}`,
  // On a machine with few cores the threads that are killed take their time to start anew.
  QUEUE_WAIT: '40',
  BREAKER: 'off',
};

export interface ChaosReport {
  readonly options: ChaosOptions;
  readonly ledger: Ledger;
  readonly seconds: number;
  readonly controlLatenciesMs: readonly number[];
  readonly slowestHealthMs: number;
  readonly before: Figures;
  readonly after: Figures;
}

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const ledger = new Ledger();
  const random = new Random(options.seed);
  const { kinds, transports } = options;
  const poisons = kinds.some(({ isPoison }) => isPoison);
  const env = { ...CHAOS_ENV, ...options.env };
  const field = new Field({ env, node: options.node, transports, poisons }, ledger);
  await field.start();
  const controls = new Controls({ field, ledger, random, transports, everyMs: 40 });
  // Warm: what the first calls of each transport make stays, and is no leak.
  controls.start();
  await sleep(1500);
  await controls.stop();
  await field.quiet();
  const { figures: before } = await figuresAtRest(field);

  const startedAt = performance.now();
  controls.start();
  const health = watchHealth(field, ledger);
  await commit({ field, ledger, random, controls }, options);
  await controls.stop();
  const slowestHealthMs = await health.stop();
  const seconds = (performance.now() - startedAt) / 1000;
  const after = await checkReturned(field, before, ledger);
  await checkEnds(field, ledger);
  return {
    options,
    ledger,
    seconds,
    controlLatenciesMs: controls.latenciesMs,
    slowestHealthMs,
    before,
    after,
  };
}

async function commit(setting: Setting, options: ChaosOptions): Promise<void> {
  const { kinds, transports, faults, seconds, parallel } = options;
  const plan = planFaults(setting.random.fork('plan'), kinds, transports, faults);
  const endAt = performance.now() + seconds * 1000;
  /** Heavy faults wait here for the one committer that they share, and hold up nobody else. */
  const heavy: Fault[] = [];
  let isPlanned = false;
  const next = (): Fault | undefined => {
    if (performance.now() > endAt) return undefined;
    for (;;) {
      const { value: fault } = plan.next();
      if (!fault?.kind.isHeavy) return fault ?? undefined;
      heavy.push(fault);
    }
  };
  const committer = async () => {
    for (let fault = next(); fault; fault = next()) await commitOne(setting, fault);
  };
  const heavyCommitter = async () => {
    while (performance.now() < endAt && (!isPlanned || heavy.length > 0)) {
      const fault = heavy.shift();
      if (fault) await commitOne(setting, fault);
      else await sleep(20);
    }
  };
  const carrying = heavyCommitter();
  await Promise.all(Array.from({ length: parallel }, committer));
  isPlanned = true;
  await carrying;
}

/** What a fault is committed with. */
export interface Setting {
  readonly field: Field;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly controls: Controls;
}

/** Commits one fault and judges it, unless its process has died of whatever else. */
export async function commitOne(setting: Setting, fault: Fault): Promise<void> {
  const { field, ledger, random, controls } = setting;
  const { kind, transport, at } = fault;
  const host = field.hostOf(transport, kind.isPoison);
  await field.ready(host);
  const deaths = field.deathsOf(host);
  const verdict = new Verdict();
  const own = random.fork(`fault ${at}`);
  const isPoisonedStdio = host === 'poisoned stdio';
  ledger.begin(fault);
  await kind.play({
    transport,
    random: own,
    key: kind.isPoison ? own.pick(POISON_KEYS) : FAULT_KEY,
    calls: isPoisonedStdio ? field.poisonedStdio.calls : field.faults[transport],
    port: field.http.port,
    mcpSessions: field.mcpSessions,
    stdio: field.stdio.calls,
    verdict,
  });
  if (kind.isPoison && host === 'http') await controls.probe(transport, own);
  if (verdict.findings.length > 0) await sleep(300);
  ledger.end(fault, verdict.endings);
  if (field.deathsOf(host) !== deaths) return;
  for (const { kind: breach, text } of verdict.findings) ledger.ofFault(fault, breach, text);
}

const HEALTH_MS = 20_000;

/** Asks for /health all the time: whatever happens, it answers, were it that all threads are down just now. */
function watchHealth(field: Field, ledger: Ledger): { stop(): Promise<number> } {
  let [isStopped, slowest] = [false, 0];
  const loop = async () => {
    while (!isStopped && field.hosts.includes('http')) {
      await field.ready('http');
      const deaths = field.deathsOf('http');
      const at = performance.now();
      await field.http.health(HEALTH_MS).catch(async (error: unknown) => {
        await sleep(300);
        if (field.deathsOf('http') === deaths)
          ledger.violate('control calls lost', `/health: ${String(error)}`, ledger.suspects());
      });
      slowest = Math.max(slowest, performance.now() - at);
      await sleep(200);
    }
  };
  const looping = loop();
  return {
    async stop() {
      isStopped = true;
      await looping;
      return slowest;
    },
  };
}
