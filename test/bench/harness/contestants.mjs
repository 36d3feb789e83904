/**
 * Every contestant by name: how its process is started and which packages it needs. The gateway runs as users run it:
 * its own bin, configured by environment.
 */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A built gateway, started by what its package.json calls its bin; `name` keeps the data of two builds apart. */
export function buildIn(name, root) {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return {
    name,
    bin: join(root, bin['mcp-streaming-gateway']),
    tools: join(root, 'test/bench/tools/bench-tools.mjs'),
  };
}

const thisBuild = buildIn('now', fileURLToPath(new URL('../../../', import.meta.url)));
const stdioSdkV1 = 'servers/stdio-sdk-v1.mjs';
const sdkV1 = '@modelcontextprotocol/sdk';

export const KEY = 'bench-key';

const profileArgs = () =>
  process.env.BENCH_PROFILE ? ['--cpu-prof', `--cpu-prof-dir=${process.env.BENCH_PROFILE}`] : [];

const server = (id, label, file, needs = [], env = {}) => ({
  id,
  label,
  args: () => [`servers/${file}.mjs`],
  needs,
  env,
});

/**
 * A contestant that is this gateway; `fromBuild` gives the same one of another build. Options go by environment, where a
 * build ignores what it does not know: an option that gets another name is set by both.
 */
const gateway = (build, id, label, env = {}, args = []) => ({
  id,
  label,
  args: () => [...profileArgs(), build.bin, ...args],
  env: {
    API_KEY: KEY,
    TOOLS: build.tools,
    BUILT_INS: 'on',
    LOG_LEVEL: 'ERROR',
    DATA_DIR: join(tmpdir(), `mcp-streaming-gateway-bench-${process.pid}-${build.name}`),
    ...env,
  },
  fromBuild: (other) => gateway(other, id, label, env, args),
});

/** Ours, with options as environment variables. */
export const ours = (env = {}, id = 'ours', label = 'this gateway') => gateway(thisBuild, id, label, env);

export const oursStdio = gateway(thisBuild, 'ours', 'this gateway', {}, ['stdio']);

/** Room for thousands of calls at once: the defaults would refuse them. */
export const MANY_CALLS = {
  CALLS_PER_WORKER: '2000',
  QUEUE_LIMIT: '4096',
  MAX_CONNECTIONS: '8192',
  MCP_REQUEST_TIMEOUT: '300',
};

export const nodeHttp = server('node-http', 'bare node:http', 'node-http');
export const plainLoop = server('res-write', 'in-process res.write loop', 'node-http');
export const plainExpress = server('express', 'Express 5 in process', 'express', ['express']);
/** Our own Piscina, and so without a package of the benchmark's; a task a thread, as it comes, or several. */
export const expressPiscina = (threads = 2, tasks = 1) =>
  server('express-piscina', 'Piscina run behind Express', 'express-piscina', ['express'], {
    THREADS: String(threads),
    TASKS: String(tasks),
  });
export const betterSse = server('better-sse', 'better-sse push in process', 'better-sse', ['better-sse']);
export const plainWs = server('ws', 'ws in process', 'plain-ws', ['ws']);
export const oursGrpc = ours({ GRPC: 'on' });
export const plainGrpc = server('grpc-js', 'grpc-js in process', 'plain-grpc');
export const bareGrpc = server('bare-http2', 'bare node:http2, batches made before', 'bare-grpc', [], {
  TOOL: 'none',
});
export const bareGrpcThread = server('bare-thread', 'bare thread and node:http2', 'bare-grpc', [], {
  TOOL: 'thread',
});
export const sdkV2 = server('sdk-v2', 'MCP SDK v2', 'sdk-v2-http', [
  '@modelcontextprotocol/server',
  '@modelcontextprotocol/node',
]);
export const tmcp = server('tmcp', 'tmcp', 'tmcp', ['tmcp', '@tmcp/transport-http', '@tmcp/adapter-zod']);

/** The seed's architecture: real MCP servers as workers, or the leanest conceivable ones. */
export const subprocessPool = (workers) =>
  server(
    'subprocesses',
    `Express + ${workers} SDK v1 stdio subprocesses`,
    'subprocess-pool',
    ['express', sdkV1],
    {
      WORKERS: String(workers),
    },
  );
export const leanSubprocessPool = (workers) =>
  server(
    'subprocesses-lean',
    `Express + ${workers} hand-written stdio subprocesses`,
    'subprocess-pool',
    ['express'],
    {
      WORKERS: String(workers),
      WORKER: './stdio-lean.mjs',
    },
  );

export const sdkV1Stateful = server('sdk-v1-stateful', 'MCP SDK v1 stateful', 'sdk-v1-http', [sdkV1], {
  MODE: 'stateful',
});
export const sdkV1Stateless = server('sdk-v1-stateless', 'MCP SDK v1 stateless', 'sdk-v1-http', [sdkV1], {
  MODE: 'stateless',
});
export const fastmcpStateful = server('fastmcp-stateful', 'fastmcp stateful', 'fastmcp', ['fastmcp'], {
  MODE: 'stateful',
});
export const fastmcpStateless = server('fastmcp-stateless', 'fastmcp stateless', 'fastmcp', ['fastmcp'], {
  MODE: 'stateless',
});
export const mcpProxy = {
  id: 'mcp-proxy',
  label: 'mcp-proxy over a stdio server',
  needs: ['mcp-proxy', sdkV1],
  args: (port) => [
    'node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs',
    ...[
      '--port',
      String(port),
      '--host',
      '127.0.0.1',
      '--server',
      'stream',
      '--',
      process.execPath,
      stdioSdkV1,
    ],
  ],
  ready: '/ping',
};
export const supergateway = {
  id: 'supergateway',
  label: 'supergateway over a stdio server',
  needs: ['supergateway', sdkV1],
  args: (port) => [
    'node_modules/supergateway/dist/index.js',
    ...[
      '--stdio',
      `${process.execPath} ${stdioSdkV1}`,
      '--port',
      String(port),
      '--outputTransport',
      'streamableHttp',
    ],
    ...['--stateful', '--logLevel', 'none', '--healthEndpoint', '/health'],
  ],
};
