/**
 * How the programs end: whatever a thread does.
 *
 * X1. Node joins its threads when it exits, and one that is in native code (a FIFO opened without a writer) may never
 *     come back from there: `process.exit` would hang. Where such a thread is left, the process exits without joining
 *     it, with the same exit code, once all that listens for the exit has been told.
 * X2. Threads that can be ended are ended first, and Node's own way is taken where none is left: `exit(3)` destroys what
 *     a thread that runs still uses.
 */
import { channel } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';

/** What is used of it; its types come with those of browsers alone. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: Readonly<Record<string, object>>) => object;
};

/** By then a thread that can be ended has ended. */
const ENDED_MS = 300;

const living = new Set<Worker>();
let isExiting = false;

/** To be called once, before any thread is started. */
export function watchThreads(): void {
  channel('worker_threads').subscribe((message) => {
    const { worker } = message as { readonly worker: Worker };
    living.add(worker);
    worker.once('exit', () => living.delete(worker));
    if (isExiting) void worker.terminate();
  });
  process.once('uncaughtExceptionMonitor', joinNoThread);
}

export async function exit(code: number): Promise<void> {
  isExiting = true;
  const ended = [...living].map((worker) => worker.terminate());
  await Promise.race([Promise.all(ended), sleep(ENDED_MS)]);
  joinNoThread();
  process.exit(code);
}

/** Comes last of what listens for the exit, which may have something to write. */
function joinNoThread(): void {
  process.once('exit', (code) => {
    if (living.size === 0) return;
    for (const worker of living) void worker.terminate();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ENDED_MS);
    exitAtOnce(code);
  });
}

/**
 * `exit(3)`, which nothing in Node calls without joining threads but WASI: a module that exits ends the process, where
 * it is not told to return instead (https://nodejs.org/api/wasi.html#new-wasioptions).
 */
function exitAtOnce(code: number): void {
  const { WASI } = process.getBuiltinModule('node:wasi');
  const wasi = new WASI({ version: 'preview1', returnOnExit: false });
  const module = new WebAssembly.Module(moduleThatExits(code));
  wasi.start(new WebAssembly.Instance(module, { wasi_snapshot_preview1: wasi.wasiImport }));
}

/**
 * In text: `(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) (memory (export "memory") 0)
 * (func (export "_start") (call 0 (i32.const CODE))))`.
 */
function moduleThatExits(code: number): Uint8Array {
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  const section = (id: number, ...content: number[]) => [id, content.length, ...content];
  const [ONE, I32, FUNCTION, MEMORY, END] = [1, 0x7f, 0, 2, 0x0b];
  // A constant is a signed LEB128: two bytes hold every exit code.
  const constant = [0x41, (code & 0x7f) | 0x80, (code >> 7) & 1];
  const body = [0, ...constant, 0x10, 0, END];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 2, 0x60, ONE, I32, 0, 0x60, 0, 0),
    ...section(2, ONE, ...name('wasi_snapshot_preview1'), ...name('proc_exit'), FUNCTION, 0),
    ...section(3, ONE, 1),
    ...section(5, ONE, 0, 0),
    ...section(7, 2, ...name('memory'), MEMORY, 0, ...name('_start'), FUNCTION, 1),
    ...section(10, ONE, body.length, ...body),
  ]);
}
