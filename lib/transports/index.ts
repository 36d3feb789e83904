/**
 * Every transport of the gateway, a line each, in no order that matters. What the folders export loads no package:
 * their code comes with `load`.
 */

export { webConsole } from './console/index.ts';
export { graphql } from './graphql/index.ts';
export { grpc } from './grpc/index.ts';
export { mcpHttp } from './mcp/http/index.ts';
export { mcpStdio } from './mcp/stdio/index.ts';
export { ndjson } from './ndjson/index.ts';
export { openapi } from './openapi/index.ts';
export { prometheus } from './prometheus/index.ts';
export { rest } from './rest/index.ts';
export { sse } from './sse/index.ts';
export { statsStream } from './stats-stream/index.ts';
export { terminal } from './terminal/index.ts';
export { websocket } from './websocket/index.ts';
