/**
 * One contestant as a process of its own on loopback: started on a free port, asked until it answers, measured through
 * /proc, and ended together with what it spawned.
 *
 * C1. Each contestant leads its own process group; `stop` signals that group and nothing else.
 * C2. A contestant that cannot start is an Absence with the reason, never a silent gap.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { cpuMsUnder, mainCpuMsOf, memoryBytesUnder, residentBytesOf } from './proc.mjs';

export const benchDirectory = fileURLToPath(new URL('../', import.meta.url));
const START_LIMIT_MS = 20_000;
const POLL_MS = 5;
const SAMPLE_EVERY_MS = 25;

export class Absence extends Error {}

export const delay = (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs));

export async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Whether somebody listens; a bare connect, so that the asking takes no CPU from the one that starts. */
const accepts = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

const living = new Set();
process.on('exit', () => {
  for (const contestant of living) contestant.kill();
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

/** A running contestant. */
class Contestant {
  #child;
  #ended;
  /** Last words, for the reason of a failed start. */
  #output = '';

  constructor(spec, port, child) {
    this.spec = spec;
    this.id = spec.id;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.pid = child.pid;
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', resolve));
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text) => {
        this.#output = (this.#output + text).slice(-4000);
      });
    living.add(this);
    this.#ended.then(() => living.delete(this));
  }

  get lastWords() {
    const lines = this.#output.trim().split('\n');
    return (lines.find((line) => /error/i.test(line)) ?? lines.at(-1)).trim();
  }

  get hasEnded() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Memory of the whole process tree: {resident, sharedOnce}. */
  memoryBytes() {
    return memoryBytesUnder(this.pid);
  }

  /** CPU time that the contestant's processes have used so far. */
  cpuMs() {
    return cpuMsUnder(this.pid);
  }

  /** How much of it was its main thread's. */
  mainCpuMs() {
    return mainCpuMsOf(this.pid);
  }

  /** Runs the work; gives its answer and the own process's resident memory before, and at its highest meanwhile. */
  async watchMemory(work) {
    const beforeBytes = residentBytesOf(this.pid);
    let peakBytes = beforeBytes;
    const sampler = setInterval(() => {
      peakBytes = Math.max(peakBytes, residentBytesOf(this.pid));
    }, SAMPLE_EVERY_MS);
    try {
      return { answer: await work(), beforeBytes, peakBytes };
    } finally {
      clearInterval(sampler);
    }
  }

  kill() {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  }

  async stop() {
    this.kill();
    await this.#ended;
  }
}

/**
 * Starts a contestant and waits until it answers.
 * @param spec {id, label, args: (port) => string[], env?, needs?: package names, ready?: path, program?: another Node}
 */
export async function startContestant(spec) {
  const missing = (spec.needs ?? []).find((name) => !existsSync(`${benchDirectory}node_modules/${name}`));
  if (missing !== undefined) throw new Absence(`package ${missing} is not installed`);
  const port = await freePort();
  const child = spawn(spec.program ?? process.execPath, spec.args(port), {
    cwd: benchDirectory,
    detached: true,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(port), ...spec.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const contestant = new Contestant(spec, port, child);
  const startedAt = performance.now();
  while (performance.now() - startedAt < START_LIMIT_MS && !contestant.hasEnded) {
    if (await accepts(port)) {
      await (await fetch(contestant.url + (spec.ready ?? '/health'))).arrayBuffer();
      return contestant;
    }
    await delay(POLL_MS);
  }
  const reason = contestant.hasEnded ? 'it ended at once' : `no answer within ${START_LIMIT_MS / 1000} s`;
  await contestant.stop();
  throw new Absence(`${reason}: ${contestant.lastWords}`);
}
