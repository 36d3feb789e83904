/**
 * The file in which a child's threads mark the calls that have begun, one place of four bytes each (threads/port
 * BegunMark). It stands for the memory that a thread shares with its gateway: what a process wrote is in the system's
 * cache, and stays there when the process is killed in the next instant.
 *
 * B1. It has no name: both sides have it open, and nobody else can.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, constants, ftruncateSync, openSync, readSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ToolError } from '../../call/tool-error.ts';

/** In memory where the system has such a folder, which may be written even where no other may. */
const FOLDERS = process.platform === 'linux' ? ['/dev/shm', tmpdir()] : [tmpdir()];

export class BegunFile {
  readonly fd: number;
  readonly #path: string | null;

  /** @throws {ToolError} `unavailable` where no folder can be written. */
  constructor(places: number) {
    const { fd, path } = open();
    this.fd = fd;
    this.#path = path;
    ftruncateSync(fd, places * Int32Array.BYTES_PER_ELEMENT);
  }

  read(into: Int32Array<SharedArrayBuffer>): void {
    const bytes = new Uint8Array(into.byteLength);
    readSync(this.fd, bytes, 0, bytes.length, 0);
    new Uint8Array(into.buffer).set(bytes);
  }

  close(): void {
    closeSync(this.fd);
    if (this.#path !== null) remove(this.#path);
  }
}

function open(): { readonly fd: number; readonly path: string | null } {
  const failures: string[] = [];
  for (const folder of FOLDERS) {
    const path = join(folder, `mcp-streaming-gateway-${randomBytes(12).toString('hex')}`);
    try {
      const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
      return { fd, path: remove(path) ? null : path };
    } catch (error) {
      failures.push(`${folder}: ${(error as NodeJS.ErrnoException).code}`);
    }
  }
  const reasons = failures.join(', ');
  throw new ToolError('unavailable', `no temporary folder can be written (${reasons}); set TMPDIR to one`);
}

/** @returns false where an open file cannot be removed, as on Windows. */
function remove(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}
