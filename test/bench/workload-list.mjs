/**
 * The workloads, in the order in which they run: what each is, and how many seconds of `publish` it has. A workload runs
 * all its rounds in that time, or those that begin in it; the first is always run, so that a slow machine takes longer.
 */
export const WORKLOADS = {
  echo: { text: 'echo over POST /tools/echo', seconds: 50 },
  mcp: { text: 'echo over /mcp, both eras', seconds: 75 },
  ws: { text: 'echo over one WebSocket, 32 in flight', seconds: 15 },
  sse: { text: '200 000 small chunks over SSE', seconds: 30 },
  'ws-chunks': { text: '200 000 small chunks over a WebSocket', seconds: 10 },
  ndjson: { text: '200 000 small chunks as NDJSON', seconds: 10 },
  gib: { text: '1 GiB in chunks of 1 MiB', seconds: 25 },
  first: { text: 'time to the first chunk', seconds: 5 },
  spin: { text: 'CPU-bound tools, and /health meanwhile', seconds: 40 },
  costs: { text: 'idle streams, sockets, sessions, threads and tools', seconds: 30 },
  cancel: { text: 'cancel of a spinning tool', seconds: 30 },
  start: { text: 'cold start, HTTP', seconds: 15 },
  'start-stdio': { text: 'cold start, stdio', seconds: 10 },
  memory: { text: '8 warm threads against 8 subprocesses', seconds: 15 },
  journeys: { text: 'journeys: durable creates, list of 100 000', seconds: 30 },
  tokens: { text: 'token streams, a chunk every 20 ms, by how many', seconds: 100 },
  connections: { text: 'echo by connections', seconds: 90 },
  threads: { text: 'echo by threads that are ready', seconds: 60 },
  exclusive: { text: 'echo of an exclusive tool by connections', seconds: 60 },
  streams: { text: 'SSE streams as fast as they go, by how many', seconds: 90 },
  waits: { text: 'tools that wait 10 ms, by calls in flight', seconds: 90 },
  bodies: { text: 'echo by the length of its text', seconds: 70 },
  grpc: { text: 'echo over gRPC, 32 in flight', seconds: 15 },
  'grpc-chunks': { text: 'small chunks over gRPC', seconds: 20 },
  process: { text: 'threads beside child processes: echo, chunks over SSE', seconds: 40 },
  fleet: { text: 'a fleet on one Redis, beside a plain job of BullMQ', seconds: 25 },
  graphql: { text: 'echo by GraphQL beside REST', seconds: 25 },
  'graphql-chunks': { text: '200 000 small chunks by a subscription, beside SSE', seconds: 10 },
  metrics: { text: 'echo and chunks over SSE while /metrics and /stats/stream are read', seconds: 30 },
  upstream: { text: 'a mounted stdio server, beside other bridges', seconds: 70 },
  'node-24': { text: 'echo on Node 24, whose program NODE_24 names', seconds: 80 },
};

/** Names that stand for several workloads. */
export const GROUPS = {
  /** All of them, and then the pages are written. */
  publish: Object.keys(WORKLOADS),
  /** Those of the curves. */
  curves: ['tokens', 'connections', 'threads', 'exclusive', 'streams', 'waits', 'bodies', 'costs'],
};
