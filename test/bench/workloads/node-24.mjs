/** (a) Echo on Node 24, which is faster at HTTP than Node 20: all contestants run by the program that NODE_24 names. */
import { Absence } from '../harness/contestant.mjs';
import { nodeHttp, ours, plainExpress } from '../harness/contestants.mjs';
import { httpEntry } from '../harness/http-rounds.mjs';
import { TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';

const CONNECTIONS = 32;
/** Its compilers have more tiers: after three seconds they still compile what this gateway runs, beside it. */
const WARM_UP_PARTS = 3;
/** More rounds than of other loads, but none shorter: in its first second after a rest much is compiled anew. */
const MORE_ROUNDS = 3;

export const title = '(a) echo on Node 24, POST /tools/echo, 32 connections';
export const columns = ['perSecond', 'p50Ms', 'p99Ms', 'cpuUs'];
export const targets = [
  { than: 'express', atLeast: 1.5, text: 'echo on Node 24, of Express' },
  { than: 'node-http', atLeast: 0.75, text: 'echo on Node 24, of bare node:http' },
];

/** The contestant by another Node, and so too when it is another build. */
const onProgram = (spec, program) => ({
  ...spec,
  program,
  fromBuild: spec.fromBuild && ((build) => onProgram(spec.fromBuild(build), program)),
});

export function run(given) {
  const plan = given.quick || given.reference ? given : { ...given, rounds: given.rounds * MORE_ROUNDS };
  const program = process.env.NODE_24;
  const request = toolRequest('echo', { text: TEXT });
  const before = () => {
    if (program === undefined) throw new Absence('NODE_24 names no program');
  };
  // Built-in tools load a module in native code, which was built for one version of Node.
  const specs = [ours({ BUILT_INS: 'off' }), nodeHttp, plainExpress];
  return runRounds(
    specs.map((spec) =>
      httpEntry(onProgram(spec, program), request, plan, {
        connections: CONNECTIONS,
        warmUpSeconds: plan.warmUpSeconds * WARM_UP_PARTS,
        before,
      }),
    ),
    plan,
  );
}
