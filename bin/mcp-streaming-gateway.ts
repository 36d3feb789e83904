#!/usr/bin/env node
/** The program: `npx mcp-streaming-gateway`. */
import './pool-size.cts';
import { exit, watchThreads } from './exit.ts';
import { main } from './main.ts';

watchThreads();
await exit(await main(process.argv.slice(2)));
