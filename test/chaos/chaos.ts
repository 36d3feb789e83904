/**
 * `npm run chaos -- --seed N --faults N --seconds N --transports a,b --kinds a,b,-c --parallel N --env A=1,B=2 --node P`
 * and `--shrink N`: how many seconds to look for the one kind that shows a violation by itself, after a run that failed.
 * Exit code 1 when anything that is promised was broken. `--fleet` first: over a fleet (fleet/fleet-command.ts).
 */
import { environmentOf, readFlags, transportsNamed } from './command-options.ts';
import { kindsNamed } from './kinds/all-kinds.ts';
import { tableOf, verdictOf, violationsOf } from './report.ts';
import { type ChaosOptions, runChaos } from './run-chaos.ts';
import { shrink } from './shrink.ts';

if (process.argv.includes('--fleet')) {
  const { fleetCommand } = await import('./fleet/fleet-command.ts');
  process.exit(await fleetCommand(process.argv.slice(2).filter((word) => word !== '--fleet')));
}

const { number, list, text } = readFlags(process.argv.slice(2), [
  'seed',
  'faults',
  'seconds',
  'transports',
  'kinds',
  'parallel',
  'env',
  'node',
  'shrink',
]);
const options: ChaosOptions = {
  seed: number('seed', Date.now() % 1_000_000),
  faults: number('faults', 1200),
  seconds: number('seconds', 240),
  transports: transportsNamed(list('transports')),
  kinds: kindsNamed(list('kinds')),
  parallel: number('parallel', 6),
  env: environmentOf(list('env')),
  node: text('node'),
};
const report = await runChaos(options);
console.log(`${tableOf(report)}\n`);
if (!report.ledger.isClean) {
  console.log(`${violationsOf(report)}\n`);
  const smallest = await shrink(options, report.ledger.violations, number('shrink', 60));
  for (const { promise, command } of smallest) console.log(`smallest that shows "${promise}": ${command}`);
}
console.log(verdictOf(report));
process.exit(report.ledger.isClean ? 0 : 1);
