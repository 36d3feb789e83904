/**
 * `npm run soak -- MINUTES --seed N --kinds a,b,-c --transports a,b --rate FAULTS_PER_SECOND --env A=1 --node P`
 * Exit code 1 when something rises, or anything that is promised was broken.
 */
import { environmentOf, readFlags, transportsNamed } from './command-options.ts';
import { kindsNamed } from './kinds/all-kinds.ts';
import { PROMISES } from './ledger.ts';
import { runSoak, soakTable, TEN_MINUTES_FLAT } from './run-soak.ts';

const flags = ['seed', 'kinds', 'transports', 'rate', 'env', 'node'];
const { number, list, text, positionals } = readFlags(process.argv.slice(2), flags);
const minutes = Number(positionals[0] ?? 10);
if (!(minutes > 0)) throw new Error(`how many minutes? ${positionals[0]} is none`);
const kinds = kindsNamed(list('kinds'));
const report = await runSoak({
  seed: number('seed', Date.now() % 1_000_000),
  minutes,
  // A soak looks for what is lost little by little; floods of memory are for chaos, unless they are asked for.
  kinds: list('kinds').length > 0 ? kinds : kinds.filter(({ isHeavy }) => !isHeavy),
  transports: transportsNamed(list('transports')),
  faultsPerSecond: number('rate', 1),
  everyMs: 100,
  bounds: TEN_MINUTES_FLAT,
  env: environmentOf(list('env')),
  node: text('node'),
});
const { ledger, rising, options } = report;
console.log(soakTable(report));
for (const { promise, text: what } of ledger.violations.slice(0, 25)) console.log(`${promise}: ${what}`);
const controls = [...ledger.controlCalls.values()].reduce((sum, n) => sum + n, 0);
const isGood = ledger.isClean && rising.length === 0;
console.log(
  `${isGood ? 'FLAT' : 'FAIL'} seed ${options.seed}: ${minutes} minutes, ${controls} control calls, ${ledger.faults} faults, ` +
    `rising: ${rising.join(', ') || 'nothing'}; ${PROMISES.map((promise) => `${promise} ${ledger.counts[promise]}`).join(', ')}`,
);
process.exit(isGood ? 0 : 1);
