/** The program that a supervisor starts: the same command line, with a channel to the parent. */
import './pool-size.cts';
import { ParentLink } from '../lib/supervise/parent-link.ts';
import { exit, watchThreads } from './exit.ts';
import { main } from './main.ts';

watchThreads();
const parent = new ParentLink({ stop: () => void exit(0), stopNow: () => void exit(1) });
await exit(await main(process.argv.slice(2), parent));
