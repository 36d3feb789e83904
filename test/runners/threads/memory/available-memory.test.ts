import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { defaultMemoryLimit } from '../../../../lib/runners/threads/memory/available-memory.ts';

const GIB = 1024 ** 3;
const MACHINE = 8 * GIB;

/** The default limit on a machine whose file system has these files. */
function limitWith(files: Readonly<Record<string, string>>): number {
  const root = mkdtempSync(join(tmpdir(), 'root-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return defaultMemoryLimit(root, MACHINE) / GIB;
  } finally {
    rmSync(root, { recursive: true });
  }
}

describe('defaultMemoryLimit()', () => {
  it("is four fifths of the machine's memory where no control group limits it", () => {
    expect(limitWith({})).to.be.closeTo(6.4, 0.001);
    expect(limitWith({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/memory.max': 'max\n' })).to.be.closeTo(
      6.4,
      0.001,
    );
  });

  it('is four fifths of the least limit of the group and those that it is in, v2', () => {
    const files = {
      'proc/self/cgroup': '0::/pod/box\n',
      'sys/fs/cgroup/pod/memory.max': `${2 * GIB}\n`,
      'sys/fs/cgroup/pod/box/memory.max': 'max\n',
    };
    expect(limitWith(files)).to.be.closeTo(1.6, 0.001);
  });

  it('reads v1, whose largest number means none, and the root where the path is not to be seen', () => {
    const files = {
      'proc/self/cgroup': '5:cpu:/\n4:hugetlb,memory:/docker/abc\n0::/\n',
      'sys/fs/cgroup/memory/memory.limit_in_bytes': `${GIB}\n`,
    };
    expect(limitWith(files)).to.be.closeTo(0.8, 0.001);
    const none = { ...files, 'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n' };
    expect(limitWith(none)).to.be.closeTo(6.4, 0.001);
  });
});
