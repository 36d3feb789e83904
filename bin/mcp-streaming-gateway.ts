#!/usr/bin/env node
/** The program: `npx mcp-streaming-gateway`. */
import { main } from './main.ts';

process.exit(await main(process.argv.slice(2)));
