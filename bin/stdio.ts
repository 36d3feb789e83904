#!/usr/bin/env node
/** The stdio server as a program of its own, for MCP clients whose configuration takes a path and no arguments. */
import './pool-size.cts';
import { exit, watchThreads } from './exit.ts';
import { main } from './main.ts';

watchThreads();
await exit(await main(['stdio', ...process.argv.slice(2)]));
