/** SDK v1 over stdio: a worker of the subprocess pool, of mcp-proxy and of supergateway, and a cold-start contestant. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { createSdkV1Server } from './sdk-v1-tools.mjs';

await createSdkV1Server().connect(new StdioServerTransport());
