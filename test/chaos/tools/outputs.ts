/** Tools whose results cannot be sent, are too large, or come in floods. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterChunks, atOnce, chunks, type Misbehaviour } from './misbehaviour.ts';

const MIB = 1024 * 1024;

const fail = (): never => {
  throw new Error('not to be read');
};

function nested(depth: number): unknown {
  let value: unknown = 'bottom';
  for (let at = 0; at < depth; at++) value = [value];
  return value;
}

export const OUTPUTS: Readonly<Record<string, Misbehaviour>> = {
  'return-function': afterChunks(() => () => 1),
  'return-symbol': afterChunks(() => Symbol('returned')),
  'return-bigint': afterChunks(({ nonce }) => ({ nonce, big: 1n })),
  'return-cycle': afterChunks(({ nonce }) => {
    const cycle: Record<string, unknown> = { nonce };
    cycle['self'] = cycle;
    return cycle;
  }),
  'return-getter-that-throws': afterChunks(({ nonce }) => ({
    nonce,
    get trap() {
      return fail();
    },
  })),
  'return-to-json-that-throws': afterChunks(({ nonce }) => ({ nonce, toJSON: fail })),
  'return-proxy-that-throws': afterChunks(() => new Proxy({}, { get: fail, ownKeys: fail })),
  'return-nested': afterChunks(({ nonce }) => ({ nonce, deep: nested(50_000) })),
  'return-too-large': afterChunks(({ nonce }) => ({ nonce, text: 'x'.repeat(9 * MIB) })),
  async *'yield-too-large'(marked) {
    yield* chunks(marked);
    yield { nonce: marked.nonce, n: marked.n, text: 'x'.repeat(9 * MIB) };
    return { nonce: marked.nonce };
  },
  async *'yield-bigint'(marked) {
    yield* chunks(marked);
    yield { nonce: marked.nonce, big: 1n };
    return { nonce: marked.nonce };
  },
  /** Odd, and yet JSON: these succeed. */
  'return-odd': afterChunks(({ nonce }) => ({
    nonce,
    missing: undefined,
    not: Number.NaN,
    surrogate: '\ud800',
    lines: 'a\r\nb\u2028c\nevent: evil\ndata: evil\n\n',
    map: new Map([[1, 2]]),
    bare: Object.assign(Object.create(null), { a: 1 }),
  })),

  async *'flood-chunks'(marked) {
    yield* chunks({ nonce: marked.nonce, n: 3000 });
    return { nonce: marked.nonce };
  },
  async *'flood-large-chunks'(marked) {
    yield* chunks({ nonce: marked.nonce, n: Math.max(48, marked.n) }, 'x'.repeat(64 * 1024));
    return { nonce: marked.nonce };
  },
  'flood-progress': atOnce(({ nonce }, { progress }) => {
    for (let at = 1; at <= 100_000; at++) progress(at, 100_000, nonce);
    return { nonce };
  }),
  async *'flood-everything'({ nonce }, { progress, log }) {
    for (let at = 0; at < 1500; at++) {
      progress(at + 1, 1500, nonce);
      log('debug', nonce, { at });
      yield { nonce, n: at };
    }
    return { nonce };
  },
  'flood-log': atOnce(({ nonce }, { log }) => {
    for (let at = 0; at < 20_000; at++) log('info', nonce, { at });
    return { nonce };
  }),
  'flood-prints': atOnce(async ({ nonce }) => {
    for (let at = 0; at < 300; at++) {
      console.log(nonce, at);
      process.stdout.write(`${nonce}\n`);
      if (at % 50 === 0) await sleep(1);
    }
    return { nonce };
  }),
};
