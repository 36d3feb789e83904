#!/usr/bin/env node
/** What `npx mcp-streaming-gateway` and `npm start` start: the program, with the threads of libuv that it needs on Node 20 too. */
require('./pool-size.cjs');
import('./mcp-streaming-gateway.ts');
