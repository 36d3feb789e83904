#!/usr/bin/env node
/** The stdio server as a program of its own, for MCP clients whose configuration takes a path and no arguments. */
import { main } from './main.ts';

process.exit(await main(['stdio', ...process.argv.slice(2)]));
