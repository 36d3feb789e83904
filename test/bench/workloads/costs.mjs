/**
 * (h) What is there and does nothing: an SSE stream after its first chunk, an open WebSocket, an MCP session, a thread that
 * is ready, a tool that is loaded. Memory of each, and the CPU time that a stream, a socket or a session goes on taking.
 *
 * H1. Either so many of them are opened and closed again; then a few are opened, and what so many more hold is told (what a
 *     thread holds that has calls has its own row); or two processes are started, with few and with many, and what the
 *     second holds more.
 * H2. CPU time first: V8 collects more often for some time when it has been made to collect.
 * H3. All contestants are measured at once, since none of the figures depends on how much CPU there is; but they start and
 *     are opened one after the other, or the last would not come to it in time.
 */
import { delay, startContestant } from '../harness/contestant.mjs';
import {
  betterSse,
  expressPiscina,
  fastmcpStateful,
  leanSubprocessPool,
  MANY_CALLS,
  nodeHttp,
  ours,
  plainWs,
  sdkV1Stateful,
  subprocessPool,
  tmcp,
} from '../harness/contestants.mjs';
import { collecting, heldBytes } from '../harness/held-memory.mjs';
import { loadHttp } from '../harness/http-load.mjs';
import { openSessions, openStreams, openWebSockets } from '../harness/open-connections.mjs';
import { mcp2025Request, streamRequest, TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';
import { untilReady } from '../harness/until-ready.mjs';

const OPEN = 1_000;
/** A gateway has 1 000 sessions at most. */
const SESSIONS = 500;
const FEW = 50;
const WARM_UP_ROUNDS = 2;
/** Longer than heartbeats are apart. */
const IDLE_MS = 16_000;
const QUICK_IDLE_MS = 1_000;
const SETTLE_MS = 500;
/** The least of them counts: V8 may still collect what many connections that closed have left, in one of them. */
const IDLE_TIMES = 2;
const MORE_THREADS = 8;
const TOOLS = 1_000;
const KIBIBYTE = 1024;

export const title = '(h) what is there and does nothing: memory, and CPU time a second';
export const columns = ['kibibytesEach', 'idleCpuUs', 'idleMebibytes'];
export const lessIsBetter = true;
export const targets = [
  { of: 'ours-stream', field: 'kibibytesEach', atMost: 25, text: 'KiB of an idle SSE stream' },
  {
    of: 'ours-thread',
    field: 'kibibytesEach',
    atMost: 12 * KIBIBYTE,
    text: 'KiB of a ready thread above the first',
  },
];

let lastTurn = Promise.resolve();

/** Does work that wants the CPU when all such work before it is done. */
function inTurn(work) {
  const turn = lastTurn.then(work);
  lastTurn = turn.catch(() => undefined);
  return turn;
}

/** What part of a core a contestant takes while nobody asks for anything. */
async function idleShare(contestant, plan) {
  const idleMs = plan.quick ? QUICK_IDLE_MS : IDLE_MS;
  const shares = [];
  for (let n = 0; n < IDLE_TIMES; n += 1) {
    const before = contestant.cpuMs();
    await delay(idleMs);
    shares.push((contestant.cpuMs() - before) / idleMs);
  }
  return Math.min(...shares);
}

/** Streams, sockets or sessions; `open` (contestant, count) gives a function that closes them again. */
function opened(kind, spec, label, open, count, plan) {
  /** How much more `read` gives while they are open. */
  const beyond = async (read, contestant) => {
    const without = await read();
    const close = await inTurn(() => open(contestant, count));
    const within = await read();
    await inTurn(close);
    return within - without;
  };
  const measure = async (started) => {
    const contestant = await inTurn(() => startContestant(collecting(started)));
    try {
      await inTurn(async () => {
        for (let round = 0; round < WARM_UP_ROUNDS; round += 1) {
          const close = await open(contestant, count);
          await close();
        }
      });
      await delay(SETTLE_MS);
      const idleMebibytes = contestant.memoryBytes().resident / KIBIBYTE ** 2;
      await inTurn(() => open(contestant, FEW));
      const idleCpuUs = await beyond(() => idleShare(contestant, plan), contestant);
      const kibibytesEach = await beyond(() => heldBytes(contestant, plan), contestant);
      return {
        kibibytesEach: kibibytesEach / KIBIBYTE / count,
        idleCpuUs: (idleCpuUs * 1e6) / count,
        idleMebibytes,
      };
    } finally {
      await contestant.stop();
    }
  };
  return { spec, label, kind, measure };
}

/** Threads or tools: what a process that was started with `more` of its environment holds beyond one with `few`. */
function difference(kind, ofServer, label, few, more, count, warmUp, plan) {
  const heldBy = async (started, env) => {
    const spec = collecting({ ...started, env: { ...started.env, ...env } });
    const contestant = await inTurn(() => startContestant(spec));
    try {
      await inTurn(() => warmUp(contestant, env));
      await delay(SETTLE_MS);
      const resident = contestant.memoryBytes().resident;
      return { resident, held: await heldBytes(contestant, plan) };
    } finally {
      await contestant.stop();
    }
  };
  const measure = async (started) => {
    const [base, grown] = await Promise.all([heldBy(started, few), heldBy(started, more)]);
    return {
      kibibytesEach: (grown.held - base.held) / KIBIBYTE / count,
      idleMebibytes: base.resident / KIBIBYTE ** 2,
    };
  };
  return { spec: ofServer, label, kind, measure };
}

/** Our threads collect by themselves when they have no call, and else when their tools do. */
const collected = (env = {}) =>
  ours({ ...env, TOOLS: ours().env.TOOLS.replace('bench-tools', 'collected-tools') });

const threads = (count) => ({ MIN_WORKERS: String(count), MAX_WORKERS: String(count) });

function threadRows(plan) {
  const all = 1 + MORE_THREADS;
  const echo = toolRequest('echo', { text: TEXT });
  const ready = async (contestant, env) => {
    if (env.MIN_WORKERS) await untilReady(contestant, Number(env.MIN_WORKERS));
  };
  const used = async (contestant, env) => {
    await ready(contestant, env);
    await loadHttp(contestant, echo, { connections: 64, seconds: 1 });
  };
  const workers = (count) => ({ WORKERS: String(count) });
  const rows = (kind, what, warmUp) => {
    const row = (spec, label, few, more) =>
      difference(kind, spec, `${label}, ${what}`, few, more, MORE_THREADS, warmUp, plan);
    return [
      row(ours(), 'this gateway: a thread', threads(1), threads(all)),
      row(expressPiscina(), 'Piscina: a thread', { THREADS: '1' }, { THREADS: String(all) }),
      row(subprocessPool(1), 'a child process with SDK v1', workers(1), workers(all)),
      row(leanSubprocessPool(1), 'a hand-written child process', workers(1), workers(all)),
    ];
  };
  return [...rows('thread', 'ready', ready), ...rows('used-thread', 'after calls', used)];
}

function toolRows(plan) {
  const many = ours().env.TOOLS.replace('bench-tools', 'many-tools');
  const nothing = async () => undefined;
  const session = (contestant) => mcp2025Request(contestant, 'echo', { text: TEXT });
  const row = (kind, count) => {
    const label = `this gateway: a loaded tool, ${count} thread${count > 1 ? 's' : ''}`;
    const ready = (contestant) => untilReady(contestant, count);
    return difference(kind, ours(threads(count)), label, {}, { TOOLS: many }, TOOLS, ready, plan);
  };
  const more = { MORE_TOOLS: String(TOOLS) };
  return [
    row('tool', 1),
    row('tool-8', 8),
    // It makes its tools anew for each session, so this one is a tool of one session.
    difference('tool', sdkV1Stateful, 'MCP SDK v1: a tool of a session', {}, more, TOOLS, session, plan),
    difference('tool', tmcp, 'tmcp: a loaded tool', {}, more, TOOLS, nothing, plan),
  ];
}

export function run(plan) {
  const streams = (request) => (contestant, count) => openStreams(contestant.port, request, count);
  const stream = (spec, label, request) =>
    opened('stream', spec, `${label}: an idle SSE stream`, streams(request), OPEN, plan);
  const socket = (spec, label) =>
    opened('socket', spec, `${label}: an open WebSocket`, openWebSockets, OPEN, plan);
  const session = (spec, label) =>
    opened('session', spec, `${label}: an MCP session`, openSessions, SESSIONS, plan);
  const roomy = collected({ ...MANY_CALLS, ...threads(2) });
  const entries = [
    stream(roomy, 'this gateway', streamRequest('idle', {})),
    stream(nodeHttp, 'bare node:http', toolRequest('idle', {})),
    stream(betterSse, 'better-sse', toolRequest('idle', {})),
    socket(collected(), 'this gateway'),
    socket(plainWs, 'ws'),
    session(collected(), 'this gateway'),
    session(sdkV1Stateful, 'MCP SDK v1'),
    session(fastmcpStateful, 'fastmcp'),
    ...threadRows(plan),
    ...toolRows(plan),
  ];
  return runRounds(
    entries.map(({ spec, kind, ...entry }) => ({
      ...entry,
      spec,
      id: `${spec.id}-${kind}`,
      beside: `ours-${kind}`,
      cold: true,
      sideBySide: true,
    })),
    plan,
  );
}
