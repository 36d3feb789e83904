/**
 * Why an address cannot be listened on, in a sentence that names it, what holds it, and the next step.
 *
 * L1. The error stays Node's own, with its `code`, `address` and `port`; its message is the sentence.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Puts the sentence in place of Node's message, where the failure is one of the usual. */
export function explainListenFailure(error: unknown, host: string, port: number): void {
  if (!(error instanceof Error) || (error as NodeJS.ErrnoException).syscall === undefined) return;
  const sentence = sentenceFor((error as NodeJS.ErrnoException).code, host, port);
  if (sentence !== undefined) error.message = sentence;
}

function sentenceFor(code: string | undefined, host: string, port: number): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return (
        `port ${port} on ${host} is in use${holderOf(port)}; stop the program that has it, or choose another with ` +
        `--port ${port < 65_535 ? port + 1 : 8000} (PORT)`
      );
    case 'EACCES':
      return `port ${port} needs more rights than you have; choose one above 1023 with --port 8000 (PORT)`;
    case 'EADDRNOTAVAIL':
      return `${host} is no address of this machine; choose one with --host 127.0.0.1 (HOST)`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} cannot be resolved; choose an address with --host 127.0.0.1 (HOST)`;
    default:
      return undefined;
  }
}

/** ` by process 4711 (node)`, where Linux tells of it; else nothing. */
function holderOf(port: number): string {
  try {
    const sockets = new Set(['tcp', 'tcp6'].flatMap((table) => listeningSockets(`/proc/net/${table}`, port)));
    if (sockets.size === 0) return '';
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (!hasOneOf(pid, sockets)) continue;
      const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
      return Number(pid) === process.pid ? ' by this process itself' : ` by process ${pid} (${name})`;
    }
  } catch {
    // Another system, or not ours to see.
  }
  return '';
}

const LISTENS = '0A';

/** How /proc/<pid>/fd shows the sockets that listen on a port, whatever the address. */
function listeningSockets(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync(table, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(suffix) && state === LISTENS)
    .map((fields) => `socket:[${fields[9]}]`);
}

function hasOneOf(pid: string, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => sockets.has(linkOf(`/proc/${pid}/fd/${fd}`)));
  } catch {
    return false; // another user's, or gone
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
