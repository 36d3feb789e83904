/**
 * What a server's process finds around it: what programs need to run at all, and what its entry gives it. Nothing else of
 * the gateway's environment, whose secrets are none of a server's business.
 */

const NEEDED = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'TERM',
  'LANG',
  'TZ',
  'TMPDIR',
  'TEMP',
  'TMP',
  'XDG_DATA_HOME',
  'XDG_CONFIG_HOME',
  'XDG_CACHE_HOME',
  'XDG_RUNTIME_DIR',
  // Windows
  'APPDATA',
  'LOCALAPPDATA',
  'USERPROFILE',
  'USERNAME',
  'HOMEDRIVE',
  'HOMEPATH',
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'PROGRAMFILES',
  'PROCESSOR_ARCHITECTURE',
  'COMSPEC',
  'PATHEXT',
];

/** How deep gateways that mount gateways are: one that mounts itself would start processes without end. */
export const DEPTH = 'MCP_GATEWAY_DEPTH';
export const MOST_DEPTH = 4;

export const depthOf = (env: NodeJS.ProcessEnv): number => Number(env[DEPTH] ?? 0) || 0;

export function serverEnvironment(
  own: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const names = [...NEEDED, ...Object.keys(env).filter((name) => name.startsWith('LC_'))];
  const found = names.flatMap((name) => {
    const value = env[name];
    // Shells export functions so; they are code.
    return value === undefined || value.startsWith('()') ? [] : [[name, value]];
  });
  return { ...Object.fromEntries(found), [DEPTH]: String(depthOf(env) + 1), ...own };
}
