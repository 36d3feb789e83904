/**
 * Another commit of this gateway, built outside the work tree and kept there, so that the next run finds it.
 *
 * B1. A directory with the commit's name is complete: it is built under another name and renamed at the end.
 * B2. The packages are this work tree's where both have the same lock file, else the commit's own.
 * B3. The reference runs this benchmark's tools, which import the reference's own package: what its commit had as tools
 *     may lack one that a workload of today needs. They are copied at each use.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildIn } from './contestants.mjs';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const { commit: baseline } = JSON.parse(readFileSync(new URL('../baseline.json', import.meta.url), 'utf8'));
const LOCK = 'package-lock.json';

function run(command, args, directory) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: directory, encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(`${command} ${args[0]} failed: ${(stderr || stdout).trim().slice(-1000)}`);
  return stdout.trim();
}

/** One folder for each work tree, whose packages are linked. What is kept there is run, so it must be ours alone. */
function storeOfBuilds() {
  const { uid } = userInfo();
  const store = join(tmpdir(), `mcp-streaming-gateway-bench-builds-${uid}`);
  mkdirSync(store, { recursive: true, mode: 0o700 });
  if (uid >= 0 && statSync(store).uid !== uid) throw new Error(`${store} belongs to somebody else`);
  const ofThisTree = join(store, createHash('sha256').update(root).digest('hex').slice(0, 12));
  mkdirSync(ofThisTree, { recursive: true });
  return ofThisTree;
}

function build(commit, directory) {
  const archive = `${directory}.tar`;
  try {
    mkdirSync(directory);
    run('git', ['archive', '--output', archive, commit], root);
    run('tar', ['-xf', archive], directory);
    const sameLock = readFileSync(join(root, LOCK)).equals(readFileSync(join(directory, LOCK)));
    if (sameLock) symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'), 'junction');
    else run('npm', ['ci', '--no-audit', '--no-fund'], directory);
    run('npm', ['run', 'build'], directory);
  } finally {
    rmSync(archive, { force: true });
  }
}

/** Whether its packages are still what B2 says: this work tree's lock file may have changed since. */
function isUsable(directory) {
  if (!existsSync(join(directory, 'node_modules'))) return false;
  const modules = statSync(join(directory, 'node_modules'));
  const isLinked = modules.ino === statSync(join(root, 'node_modules')).ino;
  return isLinked === readFileSync(join(root, LOCK)).equals(readFileSync(join(directory, LOCK)));
}

/**
 * @param ref what git calls a commit; the baseline without it
 * @returns {commit, subject, build}
 * @throws where git does not know the commit or it cannot be built
 */
export function prepareReference(ref = baseline) {
  const commit = run('git', ['rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`], root);
  const directory = join(storeOfBuilds(), `${commit}-${process.version}`);
  if (existsSync(directory) && !isUsable(directory)) rmSync(directory, { recursive: true });
  if (!existsSync(directory)) {
    const partial = `${directory}-${process.pid}`;
    try {
      build(commit, partial);
      if (!existsSync(directory)) renameSync(partial, directory);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  const bench = join(directory, 'test/bench');
  for (const path of ['tools', 'servers/work.mjs'])
    cpSync(join(root, 'test/bench', path), join(bench, path), { recursive: true });
  const link = join(bench, 'node_modules/mcp-streaming-gateway');
  if (!existsSync(link)) {
    mkdirSync(join(bench, 'node_modules'), { recursive: true });
    symlinkSync(directory, link, 'junction');
  }
  const subject = run('git', ['show', '--no-patch', '--format=%h %s', commit], root);
  return { commit, subject, build: buildIn('reference', directory) };
}
