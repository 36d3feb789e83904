/**
 * Kills the processes of a mounted server at random points while calls run on it: each call ends once, with its own answer
 * or a clear code, the server is back for the next, and nothing is left at the end.
 * By hand: `node dist/test/runners/upstream/kills.js 1000 [seed]`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Random } from '../../chaos/random.ts';
import { MountFolder, SCRIPTED, scripted } from './scripted-server.ts';

export interface KillReport {
  readonly kills: number;
  readonly calls: number;
  /** By the code of their end. */
  readonly ends: Readonly<Record<string, number>>;
  /** Calls that had another's answer, two ends or none. */
  readonly wrong: readonly string[];
  /** Processes of the server after the end. */
  readonly orphans: number;
  readonly isBack: boolean;
}

const CODES = new Set(['success', 'worker_crashed', 'unavailable', 'cancelled']);

/** Processes that run the scripted server under this process' folder. */
const running = (mark: string): number[] =>
  readdirSync('/proc').flatMap((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark) && !isZombie(pid)
        ? [Number(pid)]
        : [];
    } catch {
      return [];
    }
  });

const isZombie = (pid: string): boolean =>
  / Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1').slice(0, 60));

export async function killAtRandom(kills: number, seed: number): Promise<KillReport> {
  const chance = new Random(seed);
  const random = () => chance.next();
  const mark = `KILL_MARK=${process.pid}-${seed}`;
  const env = { KILL_MARK: mark.slice('KILL_MARK='.length), GRANDCHILD: '1' };
  const folder = new MountFolder().write({ x: scripted({ env, instances: 2 }) });
  const runner = folder.runner();
  await runner.settled();
  const ends: Record<string, number> = {};
  const wrong: string[] = [];
  let calls = 0;
  const one = async (n: number): Promise<string> => {
    const [name, args] =
      random() < 0.5 ? ['x__echo', { n }] : (['x__count', { n: 20 + Math.floor(random() * 200) }] as const);
    const call = runner.call({
      name,
      arguments: args,
      caller: { keyId: 'k', transport: 'http' },
      streams: true,
      repeatBytes: 1024 * 1024,
      callId: `kill-${n}`,
    });
    if (random() < 0.1) setTimeout(() => call.cancel('cancelled'), random() * 5);
    let [index, seen] = [0, 0];
    let code = 'none';
    for await (const event of call) {
      if (event.type === 'chunks') {
        if (event.index !== index) wrong.push(`${n}: chunk ${event.index} in the place of ${index}`);
        index += event.items.length;
      }
      if (event.type !== 'result' && event.type !== 'error') continue;
      seen++;
      code = event.type === 'result' ? 'success' : event.error.code;
      if (
        event.type === 'result' &&
        name === 'x__echo' &&
        event.data !== JSON.stringify(JSON.stringify(args))
      )
        wrong.push(`${n}: ${event.data}`);
      if (event.type === 'result' && name === 'x__count' && index !== args.n)
        wrong.push(`${n}: ${index} chunks`);
    }
    if (seen !== 1 || !CODES.has(code)) wrong.push(`${n}: ${seen} ends, ${code}`);
    ends[code] = (ends[code] ?? 0) + 1;
    return code;
  };
  let isOver = false;
  const workers = Array.from({ length: 6 }, async () => {
    while (!isOver) {
      const code = await one(calls++);
      if (code === 'unavailable') await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
  for (let done = 0; done < kills; ) {
    await new Promise((resolve) => setTimeout(resolve, random() * 30));
    const { upstreams } = runner.stats().own.details as { upstreams: Record<string, { states: string[] }> };
    if (!upstreams['x']?.states.includes('ready')) continue;
    const pids = running(mark);
    const pid = pids[Math.floor(random() * pids.length)];
    if (pid === undefined) continue;
    try {
      process.kill(pid, random() < 0.5 ? 'SIGKILL' : 'SIGTERM');
      done++;
    } catch {
      // it has ended meanwhile
    }
  }
  isOver = true;
  await Promise.all(workers);
  let isBack = false;
  for (let tries = 0; tries < 400 && !isBack; tries++) {
    isBack = (await one(calls++)) === 'success';
    if (!isBack) await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await runner.close(500);
  // They have been told to end; a busy machine needs a moment for it.
  for (let tries = 0; tries < 100 && running(mark).length > 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  const orphans = running(mark).length;
  folder.remove();
  return { kills, calls, ends, wrong, orphans, isBack };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [kills = '1000', seed = String(Date.now() % 100_000)] = process.argv.slice(2);
  process.stdout.write(`seed ${seed}, server ${SCRIPTED}\n`);
  const report = await killAtRandom(Number(kills), Number(seed));
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  process.exitCode = report.wrong.length + report.orphans > 0 || !report.isBack ? 1 : 0;
}
