/**
 * Tools that leave something running on their thread, and answer as if nothing had happened.
 *
 * L1. What is left does harm a moment after the call: who has the thread then must not notice.
 */
import { createHook } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { promiseHooks } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { atOnce, type Misbehaviour } from './misbehaviour.ts';

const SOON_MS = 30;

const harm = (): void => {
  Date.now = () => 0;
};
const spin = (): never => {
  for (;;);
};

const LEAVING: Readonly<Record<string, () => unknown>> = {
  timer: () => setTimeout(harm, SOON_MS),
  'unref-timer': () => setTimeout(harm, SOON_MS).unref(),
  interval: () => setInterval(harm, SOON_MS).unref(),
  spin: () => setTimeout(spin, SOON_MS),
  heap: () =>
    setTimeout(() => {
      const held: number[][] = [];
      for (;;) held.push(new Array(1000).fill(1.5));
    }, SOON_MS),
  'sleeping-loop': async () => {
    for (let round = 0; ; round++) {
      await sleep(10);
      if (round > 3) harm();
    }
  },
  'reading-loop': async () => {
    for (let round = 0; ; round++) {
      await readFile(new URL(import.meta.url));
      if (round > 30) harm();
    }
  },
  immediates: () => {
    let rounds = 0;
    const next = (): unknown => (rounds++ > 500 ? harm() : setImmediate(next));
    next();
  },
  server: () => createServer().listen(0, '127.0.0.1').unref(),
  watcher: () =>
    watch(tmpdir())
      .on('error', () => {})
      .unref(),
  thread: () => new Worker('setInterval(() => {}, 1000)', { eval: true }).unref(),
  'async-hook': () => {
    const from = performance.now() + SOON_MS;
    createHook({
      init: () => {
        if (performance.now() > from) throw new Error('left behind');
      },
    }).enable();
  },
  'promise-hook': () => setImmediate(() => promiseHooks.onInit(harm)),
  subscriber: () => channel('net.server.socket').subscribe(harm),
  exiting: () => Object.assign(process, { _exiting: true }),
  'warning-listener': () => process.on('warning', harm),
  finalizer: () => {
    const registry = new FinalizationRegistry(harm);
    for (let n = 0; n < 100; n++) registry.register({}, registry);
  },
};

export const LEFTOVERS: Readonly<Record<string, Misbehaviour>> = Object.fromEntries(
  Object.entries(LEAVING).map(([name, leave]) => [
    `leave-${name}`,
    atOnce(({ nonce }) => {
      void leave();
      return { nonce };
    }),
  ]),
);
