/** What counts as a change of files. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { FileWatch } from '../../lib/async/file-watch.ts';
import { eventually } from '../support/eventually.ts';

const LOOK_MS = 20;
const LOOKS = (count: number) => new Promise((resolve) => setTimeout(resolve, count * LOOK_MS));

describe('FileWatch', () => {
  let root: string;
  let path: string;
  let changes: number;
  let watch: FileWatch | undefined;
  const begin = (...paths: string[]) => beginAt(LOOK_MS, ...paths);
  const beginAt = (lookMs: number, ...paths: string[]) => {
    changes = 0;
    watch = new FileWatch(paths, () => changes++, lookMs);
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'file-watch-'));
    path = join(root, 'file');
    writeFileSync(path, 'one');
  });
  afterEach(() => {
    watch?.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('tells nothing while nothing changes', async () => {
    begin(path);
    await LOOKS(6);
    expect(changes).to.equal(0);
  });

  it('tells of a file that is written, replaced, removed and there again, once each', async () => {
    begin(path);
    const steps = [
      () => writeFileSync(path, 'two'),
      () => {
        writeFileSync(join(root, 'next'), 'two');
        renameSync(join(root, 'next'), path);
      },
      () => rmSync(path),
      () => writeFileSync(path, 'two'),
    ];
    for (const [at, step] of steps.entries()) {
      step();
      await eventually(() => changes === at + 1);
      await LOOKS(4);
      expect(changes).to.equal(at + 1);
    }
  });

  it('sees a link behind a link that is pointed elsewhere, as Kubernetes mounts secrets', async function () {
    if (process.platform === 'win32') return this.skip(); // links need rights there
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(root, version));
      writeFileSync(join(root, version, 'keys'), version);
    }
    symlinkSync('v1', join(root, '..data'));
    symlinkSync(join('..data', 'keys'), join(root, 'keys'));
    begin(join(root, 'keys'));
    symlinkSync('v2', join(root, '..next'));
    renameSync(join(root, '..next'), join(root, '..data'));
    await eventually(() => changes === 1);
  });

  it('takes several files for one, and waits until they rest', async () => {
    const other = join(root, 'other');
    writeFileSync(other, 'one');
    // So rarely that on a busy machine, too, several of the writes come between two looks.
    beginAt(10 * LOOK_MS, path, other);
    for (let n = 0; n < 10; n++) {
      writeFileSync(n % 2 === 0 ? path : other, `text ${n} ${'x'.repeat(n)}`);
      await LOOKS(0.5);
    }
    await eventually(() => changes > 0);
    await LOOKS(40);
    expect(changes).to.be.below(4);
  });

  it('leaves what is no regular file alone', async function () {
    if (process.platform === 'win32') return this.skip();
    const pipe = join(root, 'pipe');
    execFileSync('mkfifo', [pipe]);
    begin(pipe);
    execFileSync('touch', [pipe]);
    await LOOKS(6);
    expect(changes).to.equal(0);
  });
});
