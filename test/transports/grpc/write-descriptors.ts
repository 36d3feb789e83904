/**
 * `node dist/test/transports/grpc/write-descriptors.js`: makes lib/transports/grpc/descriptors.ts anew, after a change of a
 * .proto file. Needs protoc (Debian: protobuf-compiler); the test of reflection says when it was forgotten.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSync } from '@grpc/proto-loader';

const FOLDER = fileURLToPath(new URL('../../../../lib/transports/grpc/', import.meta.url));
const TARGET = join(FOLDER, 'descriptors.ts');
const FILES = ['mcp_gateway.proto', 'health.proto'];
const LINE = 96;

const temporary = mkdtempSync(join(tmpdir(), 'descriptors-'));
const entries = FILES.map((file) => {
  const binary = join(temporary, 'descriptor.bin');
  execFileSync('protoc', [`--descriptor_set_out=${binary}`, `-I${FOLDER}`, file]);
  const types = Object.entries(loadSync(join(FOLDER, file)));
  const names = (isType: boolean) =>
    types.flatMap(([name, type]) => ('format' in type === isType && isTop(name) ? [name] : []));
  const base64 = withoutFrame(readFileSync(binary)).toString('base64');
  const lines = base64.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  const services = names(false);
  return `  {
    name: '${file}',
    services: ${JSON.stringify(services)},
    symbols: ${JSON.stringify([...services, ...names(true)])},
    base64:
      ${lines.map((line) => `'${line}'`).join(' +\n      ')},
  },`;
});
rmSync(temporary, { recursive: true });
const [head = ''] = readFileSync(TARGET, 'utf8').split('export const DESCRIPTORS');
writeFileSync(
  TARGET,
  `${head}export const DESCRIPTORS: readonly FileDescriptor[] = [\n${entries.join('\n')}\n];\n`,
);
execFileSync('npx', ['biome', 'check', '--write', TARGET], { stdio: 'inherit' });

/** What stands in a package, and not within a message. */
function isTop(name: string): boolean {
  return name.split('.').filter((part) => /^[A-Z]/.test(part)).length === 1;
}

/** The one file of a FileDescriptorSet: a tag and a length before it are left out. */
function withoutFrame(set: Buffer): Buffer {
  let at = 1;
  while ((set[at] ?? 0) >= 128) at++;
  return set.subarray(at + 1);
}
