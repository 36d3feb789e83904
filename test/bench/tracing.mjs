/**
 * What tracing costs a call where no SDK is registered: reading the headers, and carrying the result to the thread's
 * frame. `node test/bench/tracing.mjs`, after a build. Nanoseconds, the best of twelve rounds.
 */
import { readTrace } from '../../dist/lib/call/trace-context.js';

const RUNS = 1_000_000;
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const none = { host: 'a', accept: '*/*', 'content-type': 'application/json', 'x-api-key': 'k' };
const carriers = {
  'no trace': none,
  traceparent: { ...none, traceparent },
  'all three': { ...none, traceparent, tracestate: 'vendor=1', baggage: 'user=2,tenant=3' },
};

const tracer = undefined;
let kept;
for (const [what, carrier] of Object.entries(carriers)) {
  let best = Infinity;
  for (let round = 0; round < 12; round++) {
    const start = process.hrtime.bigint();
    for (let n = 0; n < RUNS; n++) {
      const traced = tracer?.begin(carrier);
      const trace = traced ? traced.trace : readTrace(carrier);
      const task = {};
      if (trace !== undefined) task.trace = trace;
      kept = task;
    }
    best = Math.min(best, Number(process.hrtime.bigint() - start) / RUNS);
  }
  console.log(`${what.padEnd(12)} ${best.toFixed(0)} ns`);
}
if (kept === null) console.log(kept);
