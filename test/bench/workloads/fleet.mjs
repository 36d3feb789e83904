/**
 * (y) A fleet on one Redis, all on this machine: echo on 1 and on 32 connections, small chunks over SSE; beside a plain job of BullMQ with QueueEvents.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { timeCall } from '../harness/call.mjs';
import { delay, freePort } from '../harness/contestant.mjs';
import { ours } from '../harness/contestants.mjs';
import { loadHttp } from '../harness/http-load.mjs';
import { cpuMsUnder } from '../harness/proc.mjs';
import { checkOnce, streamRequest, TEXT, toolRequest } from '../harness/requests.mjs';
import { runRounds } from '../harness/rounds.mjs';
import { runLoad } from '../harness/run-load.mjs';

const CHUNKS = 200_000;
const PLAIN_CHUNKS = 3_000;
const ALONE = 300;

export const title = '(y) a fleet on one Redis, beside a plain job of BullMQ';
export const columns = [
  'aloneP50Ms',
  'perSecond',
  'cpuUs',
  'redisCpuUs',
  'chunksPerSecond',
  'chunkCpuUs',
  'redisChunkCpuUs',
];
export const targets = [
  { of: 'fleet', field: 'aloneP50Ms', atMost: 1.5, text: 'round trip, median ms, one call at a time' },
  { of: 'fleet', field: 'perSecond', atLeast: 2_000, text: 'calls per second, 32 at a time' },
  {
    of: 'fleet',
    field: 'chunksPerSecond',
    atLeast: 500_000,
    text: 'small chunks per second to an SSE client',
  },
];

const plainBullmq = (env) => ({
  id: 'bullmq',
  label: 'a job of BullMQ, QueueEvents',
  args: () => ['servers/plain-bullmq.mjs'],
  needs: [],
  env,
});

async function startRedis() {
  const folder = mkdtempSync(join(tmpdir(), 'bench-redis-'));
  const port = await freePort();
  const flags = [
    '--port',
    `${port}`,
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'yes',
    '--dir',
    folder,
  ];
  const server = spawn(process.env.REDIS_SERVER ?? 'redis-server', flags, { stdio: 'ignore' });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    setTimeout(resolve, 500);
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    cpuMs: () => cpuMsUnder(server.pid),
    async stop() {
      const gone = new Promise((resolve) => server.once('exit', resolve));
      server.kill('SIGKILL');
      await gone;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function run(plan) {
  const redis = await startRedis();
  const entry = (spec, count) => ({
    spec,
    prepare: async (contestant) => {
      const echo = toolRequest('echo', { text: TEXT });
      // A gateway refuses calls until its host has told its tools.
      for (let tries = 0; ; tries += 1) {
        try {
          await checkOnce(contestant, echo);
          break;
        } catch (error) {
          if (tries === 50) throw error;
          await delay(100);
        }
      }
      const stream = {
        ...streamRequest('chunks', { count }),
        until: 'event: done',
        verify: '"index":(\\d+),',
      };
      const job = { ...stream, port: contestant.port };
      const { counted } = await runLoad('stream-client', job);
      if (counted !== count) throw new Error(`${counted} of ${count} chunks arrived`);
      return { echo, job: { ...job, verify: undefined } };
    },
    measure: async (contestant, { echo, job }, isWarmUp) => {
      const seconds = isWarmUp ? plan.warmUpSeconds : plan.seconds;
      const redisBefore = redis.cpuMs();
      const { perSecond, cpuUs } = await loadHttp(contestant, echo, { connections: 32, seconds });
      const redisCpuUs = ((redis.cpuMs() - redisBefore) * 1000) / (perSecond * seconds);
      const alone = [];
      for (let call = 0; call < ALONE; call += 1) alone.push(await timeCall(contestant, echo));
      alone.sort((one, other) => one - other);
      const [cpuBefore, redisCpuBefore] = [contestant.cpuMs(), redis.cpuMs()];
      const { ms } = await runLoad('stream-client', job);
      return {
        aloneP50Ms: alone[ALONE / 2],
        perSecond,
        cpuUs,
        redisCpuUs,
        chunksPerSecond: count / (ms / 1000),
        chunkCpuUs: ((contestant.cpuMs() - cpuBefore) * 1000) / count,
        redisChunkCpuUs: ((redis.cpuMs() - redisCpuBefore) * 1000) / count,
      };
    },
  });
  try {
    const env = { REDIS_URL: redis.url, QUEUE_LIMIT: '10000' };
    return await runRounds(
      [
        entry(ours(env, 'fleet', 'this gateway, a fleet of one process'), CHUNKS),
        entry(plainBullmq(env), PLAIN_CHUNKS),
      ],
      plan,
    );
  } finally {
    await redis.stop();
  }
}
