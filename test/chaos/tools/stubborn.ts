/** Tools that do not stop when they are told to, and the good one beside them that does. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { atOnce, chunks, forever, type Misbehaviour } from './misbehaviour.ts';

export const STUBBORN: Readonly<Record<string, Misbehaviour>> = {
  async *spin(marked) {
    yield* chunks(marked);
    for (;;);
  },
  async *'spin-in-microtasks'(marked) {
    yield* chunks(marked);
    for (;;) await null;
  },
  async *'spin-in-a-pattern'(marked) {
    yield* chunks(marked);
    return { nonce: marked.nonce, matches: /^(a+)+$/.test(`${'a'.repeat(60)}!`) };
  },
  async *'sleep-on-a-lock'(marked) {
    yield* chunks(marked);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    return { nonce: marked.nonce };
  },
  async *'never-end'(marked) {
    yield* chunks(marked);
    return forever();
  },
  async *'hang-in-finally'(marked) {
    try {
      yield* chunks(marked);
      await sleep(60_000);
    } finally {
      await forever();
    }
    return { nonce: marked.nonce };
  },
  async *'throw-in-finally'(marked, { signal }) {
    try {
      yield* chunks(marked);
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      // biome-ignore lint/correctness/noUnsafeFinally: that is the misbehaviour
      throw new Error('thrown while stopping');
    }
  },
  'throw-in-abort-listener': atOnce((_, { signal }) => {
    signal.addEventListener('abort', () => {
      throw new Error('thrown by a listener');
    });
    return forever();
  }),
  async *'yield-for-ever'({ nonce }) {
    for (let n = 0; ; n++) yield { nonce, n };
  },
  /** Well-behaved: what the clients' own misdeeds are tried on. */
  async *listen(marked, { signal }) {
    yield* chunks(marked);
    if (!signal.aborted) await Promise.race([once(signal, 'abort'), sleep(30_000)]);
    return { nonce: marked.nonce };
  },
  /** For clients that may not be heard: it gives its thread back soon. */
  async *'listen-briefly'(marked, { signal }) {
    yield* chunks(marked);
    if (!signal.aborted) await Promise.race([once(signal, 'abort'), sleep(3000)]);
    return { nonce: marked.nonce };
  },
  async *hold(marked) {
    yield* chunks({ nonce: marked.nonce, n: 2 });
    await sleep(marked.n);
    return { nonce: marked.nonce };
  },
};
