/** The default of DATA_DIR on each system. */
import { join } from 'node:path';
import { expect } from 'chai';
import { userDataFolder } from '../../../../lib/runners/threads/environment/user-data-folder.ts';

describe('userDataFolder()', () => {
  const home = { HOME: '/home/ada' };

  it('follows XDG on Linux, and ignores a relative XDG_DATA_HOME', () => {
    expect(userDataFolder(home, 'linux')).to.equal('/home/ada/.local/share/mcp-streaming-gateway');
    expect(userDataFolder({ ...home, XDG_DATA_HOME: '/d' }, 'linux')).to.equal('/d/mcp-streaming-gateway');
    expect(userDataFolder({ ...home, XDG_DATA_HOME: 'd' }, 'linux')).to.equal(
      '/home/ada/.local/share/mcp-streaming-gateway',
    );
  });

  it('is in Application Support on macOS and in LOCALAPPDATA on Windows', () => {
    expect(userDataFolder(home, 'darwin')).to.equal(
      '/home/ada/Library/Application Support/mcp-streaming-gateway',
    );
    expect(userDataFolder({ LOCALAPPDATA: '/local' }, 'win32')).to.equal(
      join('/local', 'mcp-streaming-gateway'),
    );
  });
});
