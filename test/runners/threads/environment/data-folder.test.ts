/** Making the data folder. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ToolError } from '../../../../lib/call/tool-error.ts';
import { claimDataFolder } from '../../../../lib/runners/threads/environment/data-folder.ts';

describe('claimDataFolder()', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'data-folder-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('makes the folder with its parents, for this user alone, and takes one that is there', () => {
    const folder = join(root, 'a', 'b');
    expect(claimDataFolder(folder)).to.equal(undefined);
    expect(claimDataFolder(folder)).to.equal(undefined);
    expect(statSync(folder).mode & 0o777).to.equal(0o700);
  });

  it('throws where the path is no folder’s: says which, and what to do', () => {
    writeFileSync(join(root, 'file'), '');
    const folder = join(root, 'file', 'data');
    expect(() => claimDataFolder(folder)).to.throw(
      ToolError,
      `the data folder ${folder} cannot be written (E`,
    );
    expect(() => claimDataFolder(join(root, 'file'))).to.throw(ToolError, '--data-dir');
  });

  it('comes back from places where no folder can ever be made, and tells without throwing', function () {
    if (process.platform !== 'linux') this.skip();
    expect(claimDataFolder('/proc/no-such-folder/data')).to.match(
      /^the data folder .* cannot be written \(E[A-Z]+\); choose another with --data-dir/,
    );
  });
});
