/**
 * `npm run chaos -- --seed N --faults N --seconds N --transports a,b --kinds a,b,-c --parallel N --env A=1,B=2 --node P`
 * Exit code 1 when anything that is promised was broken.
 */
import { environmentOf, readFlags, transportsNamed } from './command-options.ts';
import { kindsNamed } from './kinds/all-kinds.ts';
import { tableOf, verdictOf, violationsOf } from './report.ts';
import { runChaos } from './run-chaos.ts';

const { number, list, text } = readFlags(process.argv.slice(2), [
  'seed',
  'faults',
  'seconds',
  'transports',
  'kinds',
  'parallel',
  'env',
  'node',
]);
const report = await runChaos({
  seed: number('seed', Date.now() % 1_000_000),
  faults: number('faults', 1200),
  seconds: number('seconds', 240),
  transports: transportsNamed(list('transports')),
  kinds: kindsNamed(list('kinds')),
  parallel: number('parallel', 6),
  env: environmentOf(list('env')),
  node: text('node'),
});
console.log(`${tableOf(report)}\n`);
if (!report.ledger.isClean) console.log(`${violationsOf(report)}\n`);
console.log(verdictOf(report));
process.exit(report.ledger.isClean ? 0 : 1);
