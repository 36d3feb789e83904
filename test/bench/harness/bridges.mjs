/** Contestants that put one stdio MCP server behind HTTP; a program is a file of servers/, without its extension. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mcpProxy, ours, supergateway } from './contestants.mjs';

const pathOf = (program) => fileURLToPath(new URL(`../servers/${program}.mjs`, import.meta.url));

const folder = mkdtempSync(join(tmpdir(), 'bench-mounts-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

/** This gateway, as its own bin with a file of servers; a tool of the server keeps its name. */
export function oursOver(program) {
  const file = join(folder, `${program}.json`);
  const server = { command: process.execPath, args: [pathOf(program)], prefix: false };
  writeFileSync(file, JSON.stringify({ mcpServers: { mounted: server } }), { mode: 0o600 });
  // Sessions of the bench never end; there is room for those of all rounds.
  const env = { MCP_CONFIG: file, TOOLS: '', BUILT_INS: 'off', CALLS_PER_WORKER: '64' };
  return ours(env, `ours-over-${program}`, 'this gateway');
}

const overProgram = (spec, program) => ({
  ...spec,
  id: `${spec.id}-over-${program}`,
  label: spec.label.replace(' over a stdio server', ''),
  args: (port) => spec.args(port).map((word) => word.replace('servers/stdio-sdk-v1', `servers/${program}`)),
});

export const mcpProxyOver = (program) => overProgram(mcpProxy, program);
export const supergatewayOver = (program) => overProgram(supergateway, program);

export const restBridgeOver = (program) => ({
  id: `rest-bridge-over-${program}`,
  label: 'mcpo-like REST',
  needs: ['express', '@modelcontextprotocol/sdk'],
  args: () => ['servers/rest-bridge.mjs'],
  env: { UPSTREAM: pathOf(program) },
});
