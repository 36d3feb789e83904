/** The program that a supervisor starts: the same command line, with a channel to the parent. */
import { ParentLink } from '../lib/supervise/parent-link.ts';
import { main } from './main.ts';

const parent = new ParentLink({ stop: () => process.exit(0), stopNow: () => process.exit(1) });
process.exit(await main(process.argv.slice(2), parent));
