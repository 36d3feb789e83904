/**
 * `npm run chaos -- --fleet --seed N --faults N --seconds N --gateways N --hosts N --clients N --parallel N --kinds a,b --topology single|standby|cluster`
 * Exit code 1 when anything that is promised was broken.
 */
import { readFlags } from '../command-options.ts';
import { TOPOLOGIES } from './redis-set.ts';
import { fleetTable, fleetVerdict, runFleetChaos } from './run-fleet-chaos.ts';

const FLAGS = ['seed', 'faults', 'seconds', 'gateways', 'hosts', 'clients', 'parallel', 'kinds', 'topology'];

/** @returns the exit code. */
export async function fleetCommand(args: readonly string[]): Promise<number> {
  const { number, list, text } = readFlags(args, FLAGS);
  const topology = TOPOLOGIES.find((one) => one === (text('topology') ?? 'standby'));
  if (!topology) throw new Error(`--topology is one of ${TOPOLOGIES.join(', ')}`);
  const report = await runFleetChaos({
    seed: number('seed', Date.now() % 1_000_000),
    faults: number('faults', 1000),
    seconds: number('seconds', 3600),
    gateways: number('gateways', 2),
    hosts: number('hosts', 3),
    clients: number('clients', 12),
    parallel: number('parallel', 3),
    kinds: list('kinds'),
    topology,
  });
  console.log(fleetTable(report));
  for (const { promise, text } of report.violations.slice(0, 40)) console.log(`${promise}: ${text}`);
  console.log(fleetVerdict(report));
  return report.violations.length === 0 ? 0 : 1;
}
