/** Whether the processes have everything back that the run took from them: threads, queue, calls, files, children. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Field, Host } from './field.ts';
import type { Ledger } from './ledger.ts';
import type { ProcessFigures } from './system/process-figures.ts';
import { StdioServer } from './system/stdio-server.ts';

/** Idle threads above the minimum are given back after half a minute. */
const PATIENCE_MS = 60_000;
/** Sockets that the kernel closes in its own time, and a file that a library keeps since its first use. */
const FEW_FILES = 4;
/** Those of libuv, which come with the first file or checksum that is worked on beside JavaScript. */
const FEW_THREADS = 4;

export type Figures = ReadonlyMap<Host, ProcessFigures>;

/** Looks at each process once it has come to rest; a process that has not, tells what it waited for. */
export async function figuresAtRest(field: Field): Promise<{ figures: Figures; restless: string[] }> {
  const figures = new Map<Host, ProcessFigures>();
  const restless: string[] = [];
  for (const host of field.hosts) {
    const unrest = host === 'http' ? await untilRest(field) : null;
    if (unrest !== null) restless.push(`${host}: ${unrest}`);
    figures.set(host, field.programOf(host).figures());
  }
  return { figures, restless };
}

async function untilRest(field: Field): Promise<string | null> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  for (;;) {
    // A late death is counted as one; its successor is looked at.
    await field.ready('http');
    const seen = await lookAt(field).catch(() => undefined);
    if (!seen) {
      await sleep(300);
      if (performance.now() > giveUpAt) return '/health does not answer';
      continue;
    }
    const { status, workers, queue, inFlight } = seen;
    const { alive, min, busy, starting } = workers;
    const atRest = status === 'ok' && alive === min && busy === 0 && starting === 0 && queue.depth === 0;
    if (atRest && inFlight === 0) return null;
    if (performance.now() > giveUpAt)
      return `${status}, ${alive} threads of ${min}, ${busy} busy, ${starting} starting, queue ${queue.depth}, ${inFlight} calls`;
    await sleep(200);
  }
}

async function lookAt({ http }: Field) {
  return { ...(await http.health()), inFlight: await http.callsInFlight() };
}

/** Compares with what was before, and waits a little for what is on its way out. */
export async function checkReturned(field: Field, before: Figures, ledger: Ledger): Promise<Figures> {
  await field.quiet();
  for (let tries = 40; ; tries--) {
    const { figures, restless } = await figuresAtRest(field);
    const wrong = [...restless, ...field.hosts.flatMap((host) => differences(host, before, figures, field))];
    if (wrong.length === 0) return figures;
    if (tries === 0 || restless.length > 0) {
      for (const text of wrong) ledger.violate('not as it was', text);
      return figures;
    }
    await sleep(500);
  }
}

function differences(host: Host, before: Figures, after: Figures, field: Field): string[] {
  const [was, is] = [before.get(host), after.get(host)];
  // A process that died has begun anew, with other figures than its predecessor had after its first calls.
  if (!was || !is || field.deathsOf(host) > 0) return [];
  // Over stdio nobody says how many threads there are by rights.
  const isCounted = !(field.programOf(host) instanceof StdioServer);
  return [
    ...(isCounted && is.fds > was.fds + FEW_FILES
      ? [`${host}: ${is.fds} open files, ${was.fds} before`]
      : []),
    ...(isCounted && is.threads > was.threads + FEW_THREADS
      ? [`${host}: ${is.threads} threads, ${was.threads} before`]
      : []),
    // Some are kept ready, where tools run in processes of their own.
    ...(is.children > was.children
      ? [`${host}: ${is.children} child processes are left, ${was.children} before`]
      : []),
  ];
}

/** Ends the processes as their service managers would. */
export async function checkEnds(field: Field, ledger: Ledger): Promise<void> {
  for (const host of field.hosts) {
    const program = field.programOf(host);
    if (!program.isAlive) continue;
    if (program instanceof StdioServer) {
      for (const finding of program.calls.findings)
        ledger.violate('wrong-caller frames', `${host}: ${finding}`);
      const { how, ms } = await program.end();
      if (how !== 0 || ms > 15_000)
        ledger.violate('not as it was', `${host}: ended with ${how} after ${Math.round(ms)} ms`);
    } else {
      const how = await program.end();
      if (how !== 0) ledger.violate('not as it was', `${host}: ended with ${how}`);
    }
  }
}
