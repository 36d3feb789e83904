/** Gateways and runners over the scripted server (servers/scripted.mjs), which needs no library and no build. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readConfigFile } from '../../../lib/runners/upstream/file/config-file.ts';
import { UpstreamRunner } from '../../../lib/runners/upstream/upstream-runner.ts';

export const SCRIPTED = fileURLToPath(
  new URL('../../../../test/runners/upstream/servers/scripted.mjs', import.meta.url),
);

export interface Entry {
  readonly [field: string]: unknown;
}

export const scripted = (more: Entry = {}): Entry => ({
  command: process.execPath,
  args: [SCRIPTED],
  ...more,
});

/** A folder with a file of servers in it. */
export class MountFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'upstream-'));

  get file(): string {
    return join(this.path, 'mcp.json');
  }

  write(servers: Readonly<Record<string, Entry>>): this {
    writeFileSync(this.file, JSON.stringify({ mcpServers: servers }), { mode: 0o600 });
    return this;
  }

  /** A runner of what the file says. */
  runner(): UpstreamRunner {
    return new UpstreamRunner({
      read: () => readConfigFile(this.file, process.env),
      watch: () => () => undefined,
      dataDir: this.path,
      maxResultBytes: 1024 * 1024,
      queueLimit: 64,
      version: '0',
    });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
