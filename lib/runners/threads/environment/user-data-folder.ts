/** Where this system keeps the data of a user's programs, and our folder in it. */
import { homedir } from 'node:os';
import { join } from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

export function userDataFolder(env: Environment, platform: NodeJS.Platform = process.platform): string {
  return join(userDataRoot(env, platform), 'mcp-streaming-gateway');
}

function userDataRoot(env: Environment, platform: NodeJS.Platform): string {
  const home = env['HOME'] || homeOfUser();
  if (platform === 'darwin') return join(home, 'Library', 'Application Support');
  if (platform === 'win32') return env['LOCALAPPDATA'] || join(homeOfUser(), 'AppData', 'Local');
  // The XDG specification tells programs to ignore a relative path here.
  const xdg = env['XDG_DATA_HOME'];
  return xdg?.startsWith('/') ? xdg : join(home, '.local', 'share');
}

/** A user without an entry among the users, as in many containers, has the home that others would give it. */
function homeOfUser(): string {
  try {
    return homedir();
  } catch {
    return '/';
  }
}
