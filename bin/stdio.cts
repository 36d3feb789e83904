#!/usr/bin/env node
/** What `mcp-streaming-gateway-stdio` starts: the program, with the threads of libuv that it needs on Node 20 too. */
require('./pool-size.cjs');
import('./stdio.ts');
