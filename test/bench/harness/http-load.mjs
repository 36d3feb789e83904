/**
 * Request load from a separate process: wrk where it is installed, else autocannon. Both give
 * {perSecond, p50Ms, p99Ms, cpuUs}; any answer that is not 2xx is an error, never a result.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { benchDirectory } from './contestant.mjs';
import { ID_MARK } from './requests.mjs';

const run = promisify(execFile);
const hasWrk = spawnSync('wrk', ['-v']).error === undefined;

export const loadGenerator = hasWrk
  ? `wrk ${/wrk\s+(\S+)/.exec(String(spawnSync('wrk', ['-v']).stdout))?.[1] ?? ''}`.trim()
  : 'autocannon';

const luaText = (text) => `"${text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n')}"`;

/** Stands for a session's id in the head of a request that has many sessions. */
const SESSION_MARK = 'one-session-after-the-other';

/** The raw request is made once; per request only the eight digits of the id change, and the session where it has many. */
function luaScript(request) {
  const { sessions = [] } = request;
  const headers =
    sessions.length > 0 ? { ...request.headers, 'Mcp-Session-Id': SESSION_MARK } : request.headers;
  const head = Object.entries(headers).map(
    ([name, value]) => `wrk.headers[${luaText(name)}]=${luaText(value)}`,
  );
  return [
    'wrk.method="POST"',
    ...head,
    `local count=10000000 local heads={} local after local sessions={${sessions.map(luaText).join(',')}}`,
    `function init(args) local raw=wrk.format("POST",${luaText(request.path)},nil,${luaText(request.body)})`,
    `local at=string.find(raw,${luaText(ID_MARK)},1,true)`,
    'if at then after=string.sub(raw,at+8) raw=string.sub(raw,1,at-1) end heads[1]=raw',
    `local mark=string.find(raw,${luaText(SESSION_MARK)},1,true)`,
    'for i,session in ipairs(sessions) do',
    `heads[i]=string.sub(raw,1,mark-1)..session..string.sub(raw,mark+${SESSION_MARK.length}) end end`,
    'function request() if not after then return heads[1] end',
    'count=count+1 return heads[count%#heads+1]..count..after end',
    'function done(s,l,r) local e=s.errors',
    'print(string.format(\'JSON{"requests":%d,"us":%d,"p50":%d,"p99":%d,"bad":%d}\',s.requests,s.duration,',
    'l:percentile(50),l:percentile(99),e.status+e.connect+e.read+e.write+e.timeout)) end',
  ].join('\n');
}

async function loadWithWrk(contestant, request, { connections, seconds }) {
  const directory = mkdtempSync(join(tmpdir(), 'bench-wrk-'));
  try {
    const script = join(directory, 'load.lua');
    writeFileSync(script, luaScript(request));
    const args = [
      '-t1',
      `-c${connections}`,
      `-d${seconds}s`,
      '--timeout',
      '20s',
      '-s',
      script,
      contestant.url,
    ];
    const { stdout } = await run('wrk', args);
    const { requests, us, p50, p99, bad } = JSON.parse(/JSON(\{.*\})/.exec(stdout)[1]);
    if (bad > 0) throw new Error(`${bad} of ${requests} answers failed`);
    return { perSecond: requests / (us / 1e6), p50Ms: p50 / 1e3, p99Ms: p99 / 1e3 };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function loadWithAutocannon(contestant, request, { connections, seconds }) {
  const args = [
    'node_modules/autocannon/autocannon.js',
    '--json',
    '-m',
    'POST',
    '-c',
    connections,
    '-d',
    seconds,
  ];
  for (const [name, value] of Object.entries(request.headers)) args.push('-H', `${name}=${value}`);
  args.push('-b', request.body.replace(ID_MARK, '"[<id>]"'), '-I', contestant.url + request.path);
  const { stdout } = await run(process.execPath, args.map(String), {
    cwd: benchDirectory,
    maxBuffer: 1 << 26,
  });
  const result = JSON.parse(stdout);
  const bad = result.non2xx + result.errors;
  if (bad > 0) throw new Error(`${bad} of ${result.requests.total} answers failed`);
  return {
    perSecond: result.requests.total / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  };
}

const load = hasWrk ? loadWithWrk : loadWithAutocannon;

/**
 * @param shape {connections, seconds}: whole seconds, wrk knows no others.
 * @returns also `cpuUs`: the CPU time of all the contestant's processes per request, the figure that depends least on
 *          what else the machine does; and `mainCpuUs`, how much of it is its main thread's.
 */
export async function loadHttp(contestant, request, shape) {
  const [cpuBefore, mainBefore] = [contestant.cpuMs(), contestant.mainCpuMs()];
  const measured = await load(contestant, request, shape);
  const eachUs = (ms) => (ms * 1000) / (measured.perSecond * shape.seconds);
  return {
    ...measured,
    cpuUs: eachUs(contestant.cpuMs() - cpuBefore),
    mainCpuUs: eachUs(contestant.mainCpuMs() - mainBefore),
  };
}
