/** Every runner against the suite of the seam. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DelayedRunner } from '../fixtures/delayed-runner.ts';
import { call, startPool } from '../support/start-pool.ts';
import { startProcesses } from '../support/start-processes.ts';
import { behavesLikeARunner } from './runner-behaviour.ts';
import { MountFolder, scripted } from './upstream/scripted-server.ts';

behavesLikeARunner('the thread pool', async () => {
  const pool = await startPool();
  const yielded = async () => {
    const end = await call(pool, 'flood_count').outcome();
    return end.type === 'result' ? Number(end.data) : 0;
  };
  return { runner: pool, count: 'count', wait: 'wait', flood: 'flood', yielded };
});

behavesLikeARunner('the pool of child processes', async () => {
  const runner = await startProcesses({ maxThreads: 2 });
  const yielded = async () => {
    // It counts where the flood runs: on the one child that takes shared calls.
    const end = await call(runner, 'flood_count').outcome();
    return end.type === 'result' ? Number(end.data) : 0;
  };
  return { runner, count: 'count', wait: 'wait', flood: 'flood', yielded };
});

behavesLikeARunner('a runner in this process', async () => {
  let yields = 0;
  const runner = new DelayedRunner({
    tools: {
      async *count({ n }) {
        for (let i = 0; i < Number(n); i++) yield { i };
      },
      async *wait(_args, signal) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      async *flood() {
        try {
          for (;;) {
            yields++;
            yield { yields };
          }
        } finally {
          yields = -1;
        }
      },
    },
  });
  return { runner, count: 'count', wait: 'wait', flood: 'flood', yielded: async () => yields };
});

behavesLikeARunner('a mounted server', async () => {
  const folder = new MountFolder();
  const counted = join(folder.path, 'count');
  writeFileSync(counted, '0');
  const env = { SERVER_NAME: 'mcp-streaming-gateway', COUNT_FILE: counted };
  const runner = folder.write({ x: scripted({ env, prefix: false }) }).runner();
  await runner.settled();
  const yielded = async () => Number(readFileSync(counted, 'utf8'));
  return { runner, count: 'count', wait: 'wait', flood: 'flood', yielded, end: () => folder.remove() };
});
